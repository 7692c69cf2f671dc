"""Which pipelines and recipes stand in the table, and by which commands their reports are made."""

from __future__ import annotations

from dataclasses import dataclass

CORPORA = ("ravdess", "emotale", "emovo", "casia", "tess")  # of these the default model has heard none
ALIASES = ("angry=anger", "happy=happiness", "sad=sadness")  # what RAVDESS calls them
READ_SPEECH = "librispeech_mini"


@dataclass(frozen=True, slots=True)
class System:
    """One row of the table; its report lies in a folder of this ``name``.

    ``what`` is evaluated: a shipped pipeline, or, if ``recipe``, a recipe whose models are trained on all
    corpora but the one that is tested. ``corpora`` are those whose mean is told.
    """

    name: str
    title: str
    what: str
    corpora: tuple[str, ...] = CORPORA
    recipe: bool = False

    def command(self) -> str:
        """How its report is made, CORPORA being the folder of corpora and RUNS that of reports."""
        if self.recipe:
            others = ("emodb4", *CORPORA, "cremad_part", "emogator_part", READ_SPEECH)
            own = "--protocol loco --live --neutral 0.8 --neutral 0.95"
            names = [f"--corpus CORPORA/{name}" for name in others]
        else:
            own = " ".join(f"--alias {alias}" for alias in ALIASES if "ravdess" in self.corpora)
            own += f" --read-speech CORPORA/{READ_SPEECH}"
            names = [f"--corpus CORPORA/{name}" for name in self.corpora]
        asked = self.what if self.recipe else f"--model {self.what}"
        return f"stimmung evaluate {asked} {own.strip()} {' '.join(names)} --out RUNS/{self.name}"


SYSTEMS = (
    System("default", "`default`", "default"),
    System("default_nc", "`default_nc`, trained on RAVDESS too", "default_nc", CORPORA[1:]),
    System(
        "all_but_tested",
        "the same recipe, trained on all corpora but the tested one",
        "configs/emotion_whisper_loco.toml",
        recipe=True,
    ),
    System("hsf_svm", "`hsf_svm`: functionals and a linear SVM", "hsf_svm"),
)
