"""The compiled core, audiosearch/core; pyproject.toml has everything else."""

from __future__ import annotations

from pathlib import Path

import nanobind
from setuptools import Extension, setup

CORE = Path("audiosearch/core")
NANOBIND = Path(nanobind.source_dir())

setup(
    ext_modules=[
        Extension(
            "audiosearch.core._core",
            sources=[*map(str, sorted(CORE.glob("*.cpp"))), str(NANOBIND / "nb_combined.cpp")],
            depends=[str(header) for header in CORE.glob("*.hpp")],
            include_dirs=[nanobind.include_dir(), str(NANOBIND.parent / "ext/robin_map/include")],
            extra_compile_args=["-std=c++17", "-O3", "-g0", "-fvisibility=hidden", "-fno-strict-aliasing"],
            extra_link_args=["-s"],
            language="c++",
        )
    ]
)
