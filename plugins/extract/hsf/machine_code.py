"""Machine code of compiled loops, kept on disk from process to process.

One file a loop, beside Python's own byte code, or in the user's cache folder where that cannot be written. It
is as trusted as the byte code: whoever may write there decides what runs. Its name holds a digest of all that
decides the code: the loop, the sources of its package, the versions of the compiler and the processor. A file
that is damaged counts as none, and where nothing can be written each process compiles for itself.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from llvmlite import binding as llvm

ENTRY = "entry"
LIBRARY = {"sqrt"}  # of C, which every process of Python holds
DIGEST = hashlib.sha256().digest_size
Code = Callable[[], tuple[str, str]]


def load(function: Callable[..., Any], kind: str, code: Code) -> tuple[int, object]:
    """The address of a function's machine code, and what must live as long as it is used.

    ``kind`` stands for what decides the code besides the sources; ``code`` gives LLVM code and the function's
    name in it, and is called only if no machine code is known.
    """
    source = Path(function.__code__.co_filename)
    decided = (_sources(source.parent), source.name, function.__qualname__, kind, _versions(), _processor())
    key = hashlib.sha256(repr(decided).encode()).hexdigest()
    name = f"{source.stem}.{function.__name__}.{key[:32]}.o"
    folders = list(_folders(source))
    found = next(filter(None, (_read(folder / name) for folder in folders)), None)
    if found is None:
        found = _machine_code(*code())
        _write(folders, name, found)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(found))
    engine.finalize_object()
    return engine.get_function_address(ENTRY), engine


@cache
def _sources(folder: Path) -> str:
    """A digest of all modules in a folder: constants of one are part of another's code."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.py"))]
    return " ".join(digests)


@cache
def _versions() -> tuple[str, ...]:
    return (sys.version, *(metadata.version(name) for name in ("numba", "llvmlite", "numpy")))


@cache
def _processor() -> tuple[str, ...]:
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _folders(source: Path) -> Iterator[Path]:
    """Where machine code may lie, the first choice first."""
    with suppress(NotImplementedError):  # an interpreter that caches no bytecode has no __pycache__
        yield Path(cache_from_source(str(source))).parent
    with suppress(RuntimeError):
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        yield Path(home) / "stimmung"


def _read(path: Path) -> bytes | None:
    """The machine code in a file, None if there is none or it is damaged."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[:DIGEST], content[DIGEST:]
    return code if code and hashlib.sha256(code).digest() == digest else None


def _write(folders: list[Path], name: str, code: bytes) -> None:
    """Keep machine code in the first folder that takes it; several processes may do so at once."""
    for folder in folders:
        part = folder / f"{name}.{os.getpid()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(hashlib.sha256(code).digest() + code)
            part.replace(folder / name)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        else:
            return


def _machine() -> Any:
    _, name, features = _processor()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(cpu=name, features=features, opt=3, reloc="pic", codemodel="small")


def _machine_code(text: str, name: str) -> bytes:
    """LLVM code as an object file with one symbol, everything it calls inlined."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    for function in module.functions:
        if function.is_declaration:
            continue
        if function.name == name:
            function.name = ENTRY
        else:
            function.linkage = llvm.Linkage.internal
            function.add_function_attribute("alwaysinline")
    machine = _machine()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    called = {function.name for function in module.functions if function.is_declaration}
    missing = sorted(name for name in called - LIBRARY if not name.startswith("llvm."))
    if missing:  # the process that loads it may hold no numba
        raise TypeError(f"a compiled loop needs {', '.join(missing)}, expected only numbers and arrays")
    return bytes(machine.emit_object(module))
