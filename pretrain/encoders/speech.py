"""Pretraining of SampleCNN: gender from the raw waveform, from a recipe to a model folder with its card.

Embedded Emotions, section 2.1. The trainer is Lightning's; a training that was killed goes on from its last
whole epoch exactly as if nothing had happened, because crops and dropout are functions of their numbers.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import lightning
import msgspec
import soundfile
import torch
from lightning.pytorch import callbacks, loggers
from safetensors.torch import save
from stimmung.engine.config.toml import Count, Positive, Share, Table, decode, read_toml
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import Card, TrainedOn, write_card
from stimmung.plugins.extract.sample_cnn import FILE, NAME
from stimmung.plugins.extract.sample_cnn.network import Gender, SampleCnn
from torch import Tensor
from torch.utils.data import DataLoader

from ..corpora.corpus import Corpus
from ..corpora.layouts.librispeech import LABELS
from ..corpora.librispeech import hold_out, read_speech
from ..recipes.recipe import About
from ..versions import versions
from .crops import Augment, Crops, Numbers
from .gender_probe import evaluate_gender

CHECKPOINTS = "checkpoints"
LAST = "last.ckpt"
TARGET = "gender"


class NetworkTable(Table, frozen=True):
    """``filters`` of every convolution; ``local``: samples whose mean is taken off, an odd number."""

    filters: Annotated[list[Count], msgspec.Meta(min_length=3)]
    local: Count = 1601


class TrainingTable(Table, frozen=True):
    """``crops`` an epoch; ``held_out_speakers`` of the training subset only watch.

    ``precision`` as Lightning calls it.
    """

    epochs: Count = 10
    crops: Count = 1920
    batch: Count = 32
    learning_rate: Positive = 0.001
    dropout: Share = 0.5
    held_out_speakers: Count = 20
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = 0


class PretrainRecipe(Table, frozen=True, kw_only=True):
    """Everything that decides what the network becomes, apart from the corpus."""

    name: str
    network: NetworkTable
    training: TrainingTable
    about: About
    augment: Augment = Augment()
    rate: Count = 16000
    crop_s: Positive = 5.0
    train: str = "train-clean-100"
    test: str = "test-other"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What to train on: ``devices`` of an ``accelerator``, as Lightning calls them."""

    accelerator: str = "cpu"
    devices: int = 1


def read_pretrain_recipe(path: Path) -> PretrainRecipe:
    """The checked recipe; raises ConfigError."""
    recipe = decode(read_toml(path), PretrainRecipe, str(path))
    if recipe.network.local % 2 == 0:
        raise ConfigError(
            f"{path}: network.local is even", got=str(recipe.network.local), expected="an odd number"
        )
    return recipe


def pretrain(
    recipe: PretrainRecipe, corpus: Path, out: Path, *, resume: bool = False, hardware: Hardware | None = None
) -> Path:
    """The model folder ``out``; with ``resume``, goes on from the last whole epoch kept in it.

    Raises ConfigError when ``out`` holds an interrupted training and ``resume`` is not asked for.
    """
    last = out / CHECKPOINTS / LAST
    if last.exists() and not resume:
        raise ConfigError(
            f"'{out}' holds a training already", remedy="go on with --resume, or choose another --out"
        )
    training, watching = hold_out(read_speech(corpus, recipe.train), recipe.training.held_out_speakers)
    testing = read_speech(corpus, recipe.test)
    _refuse_known(training, testing)
    task = Task(recipe)
    trainer = _trainer(recipe, out, hardware or Hardware())
    trainer.fit(
        task,
        _loader(recipe, training, recipe.augment, recipe.training.crops),
        _loader(recipe, watching, Augment(), 4 * len(watching.items)),
        ckpt_path=str(last) if last.exists() else None,
        weights_only=True,
    )
    report = evaluate_gender(task.gender, testing, recipe.rate, recipe.crop_s)
    if trainer.is_global_zero:
        _save(task.gender.network, recipe, training, report, out)
    return out


class Task(lightning.LightningModule):
    """One step of the training and what is watched."""

    def __init__(self, recipe: PretrainRecipe) -> None:
        super().__init__()
        torch.manual_seed(recipe.training.seed)
        self._training = recipe.training
        network = SampleCnn(recipe.network.filters, recipe.network.local)
        self.gender = Gender(network, len(LABELS), recipe.training.dropout)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Dropout depends on the step alone, so that a resumed training drops the same."""
        torch.manual_seed((self._training.seed << 32) + self.global_step * 4096 + self.global_rank)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        loss, right = self._judge(batch)
        self.log_dict({"loss": loss, "accuracy": right}, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        loss, right = self._judge(batch)
        held_out = {"held_out_loss": loss, "held_out_accuracy": right}
        self.log_dict(held_out, prog_bar=True, sync_dist=True, batch_size=len(batch[0]))

    def configure_optimizers(self) -> Any:
        optimiser = torch.optim.Adam(self.parameters(), lr=self._training.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _judge(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        samples, truth = batch
        probabilities = self.gender(samples)
        loss = torch.nn.functional.nll_loss(torch.log(probabilities + 1e-7), truth)
        return loss, (probabilities.argmax(dim=1) == truth).float().mean()


def _loader(recipe: PretrainRecipe, corpus: Corpus, augment: Augment, crops: int) -> DataLoader[Any]:
    settings, crop = recipe.training, round(recipe.crop_s * recipe.rate)
    data = Crops(corpus.items, LABELS, recipe.rate, crop, augment, settings.seed)
    if augment == Augment():
        return DataLoader(data, settings.batch, sampler=range(crops))
    return DataLoader(data, settings.batch, sampler=Numbers(crops, settings.seed), drop_last=True)


def _trainer(recipe: PretrainRecipe, out: Path, hardware: Hardware) -> lightning.Trainer:
    kept = callbacks.ModelCheckpoint(
        out / CHECKPOINTS, Path(LAST).stem, save_on_train_epoch_end=True, enable_version_counter=False
    )
    return lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        precision=recipe.training.precision,
        max_epochs=recipe.training.epochs,
        callbacks=[kept],
        logger=loggers.TensorBoardLogger(out, name="tensorboard", version=0),
        log_every_n_steps=10,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        deterministic=True,
    )


def _refuse_known(training: Corpus, testing: Corpus) -> None:
    known = set(training.speakers) & set(testing.speakers)
    if known:
        raise ConfigError("the test subset has speakers of the training subset", got=", ".join(sorted(known)))


def _save(
    network: SampleCnn, recipe: PretrainRecipe, training: Corpus, report: dict[str, Any], out: Path
) -> None:
    settings = {"filters": recipe.network.filters, "local": recipe.network.local}
    header = {"network": msgspec.json.encode(settings).decode()}
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    (out / FILE).write_bytes(save(state, header))
    figures: dict[str, float | list[float]] = {}
    for what, row in report.items():
        figures[f"accuracy of {what}"] = round(row["accuracy"], 4)
        figures[f"accuracy of {what}, 95 % interval"] = [round(bound, 4) for bound in row["accuracy_ci95"]]
    write_card(out, _card(recipe, training, figures))


def _card(recipe: PretrainRecipe, training: Corpus, figures: dict[str, float | list[float]]) -> Card:
    about, settings = recipe.about, recipe.training
    return Card(
        name=recipe.name,
        plugin=NAME,
        target=TARGET,
        labels=list(LABELS),
        rate=recipe.rate,
        inputs=[],
        trained_on=TrainedOn(
            corpus=about.corpus,
            citation=about.citation,
            licence=about.corpus_licence,
            clips=len(training.items),
            speakers=len(training.speakers),
            hours=round(sum(_hours(item.file) for item in training.items), 4),
        ),
        protocol=(
            f"trained {settings.epochs} epochs on {recipe.train}, nothing selected; figures on "
            f"{recipe.test}, whose speakers were never heard; the intervals resample speakers"
        ),
        figures=figures,
        licence=about.licence,
        intended_use=about.intended_use,
        limits=about.limits,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions=versions() | {"torch": str(torch.__version__), "lightning": lightning.__version__},
        recipe=_settings(recipe),
    )


def _settings(recipe: PretrainRecipe) -> dict[str, Any]:
    """The recipe as a card keeps it: what is None was left out, and stays out."""
    tables: dict[str, Any] = msgspec.to_builtins(recipe)
    augment = {key: value for key, value in tables["augment"].items() if value is not None}
    return {key: value for key, value in (tables | {"augment": augment}).items() if key != "about"}


def _hours(file: Path) -> float:
    return float(soundfile.info(file).duration) / 3600
