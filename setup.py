"""Build the Cython kernels; everything declarative stands in pyproject.toml."""

import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
PACKAGE = "zerometer"
FOLDERS = ("agent", "config", "core", "drivers")
KERNELS = tuple(
    sorted(
        path.relative_to(HERE).as_posix()
        for folder in FOLDERS
        for path in (HERE / folder).glob("_*.pyx")
    )
)

# A checked build: bounds checks and line tracing, for tests and coverage only.
TRACE = bool(os.environ.get("ZEROMETER_TRACE"))
ANNOTATE = bool(os.environ.get("ZEROMETER_ANNOTATE"))

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": TRACE,
    "wraparound": False,
    "cdivision": True,
    "linetrace": TRACE,
}
# One wheel per architecture serves every CPython from 3.11 on. Traced builds
# cannot use the stable ABI, and coverage.py's plug-ins cannot see events that
# are sent through sys.monitoring.
STABLE_ABI = [("Py_LIMITED_API", "0x030B0000")]
TRACING = [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]


def link_namespace() -> Path:
    """Link each folder into ``build/ns/zerometer``; return ``build/ns``.

    Cython ignores setuptools' package_dir and type checkers cannot follow the
    editable finder: both need a tree in which the import names are real.
    """
    root = HERE / "build" / "ns"
    (root / PACKAGE).mkdir(parents=True, exist_ok=True)
    for folder in FOLDERS:
        link = root / PACKAGE / folder
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(HERE / folder, link.parent))
    return root


class BuildKernels(build_ext):
    """Run Cython when extensions are built, not when metadata is asked for."""

    def finalize_options(self) -> None:
        from Cython.Build import cythonize
        from Cython.Compiler import Options

        # A compiler warning is an error: it is how a kernel says it is unsure.
        Options.warning_errors = True
        namespace = link_namespace()
        self.distribution.ext_modules = cythonize(
            self.distribution.ext_modules,
            include_path=[str(namespace)],
            # Cython.Coverage looks for the C file beside the .pyx file.
            build_dir=None if TRACE else "build/cython",
            compiler_directives=DIRECTIVES,
            annotate=ANNOTATE,
            force=TRACE,
        )
        # Last: setuptools prepares the Extension objects that exist by now.
        super().finalize_options()


def kernel(source: str) -> Extension:
    """Describe the module that is compiled from *source*."""
    return Extension(
        f"{PACKAGE}.{source.removesuffix('.pyx').replace('/', '.')}",
        [source],
        define_macros=TRACING if TRACE else STABLE_ABI,
        py_limited_api=not TRACE,
        # No fused multiply-add: the ledger must come out the same on x86 and ARM.
        extra_compile_args=[
            "-O2",
            "-g0",
            "-ffp-contract=off",
            "-Wall",
            "-Wextra",
            "-Wno-unused-parameter",
        ],
    )


setup(
    ext_modules=[kernel(source) for source in KERNELS],
    cmdclass={"build_ext": BuildKernels},
    options={} if TRACE else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
