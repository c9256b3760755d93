"""Packages of this environment whose versions are not those of a lock file.

python scripts/lock_difference.py constraints.txt
"""

from __future__ import annotations

import sys
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


def locked(lines: list[str]) -> dict[str, Version]:
    """Version of each package that a lock file names for this Python and system."""
    versions: dict[str, Version] = {}
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            (specifier,) = requirement.specifier
            versions[canonicalize_name(requirement.name)] = Version(specifier.version)
    return versions


def differences(lock: dict[str, Version], installed: dict[str, str]) -> list[str]:
    """A line for each package that the lock names in another version, or not at all."""
    lines = []
    for name, version in sorted(installed.items()):
        if name not in lock:
            lines.append(f"  {name} {version}, not locked")
        elif lock[name] != Version(version):
            lines.append(f"  {name} {version}, locked {lock[name]}")
    return lines


def main() -> None:
    """Print what differs."""
    lock = locked(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
    installed = {canonicalize_name(package.name): package.version for package in distributions()}
    ours = {
        str(name): version for name, version in installed.items() if name not in {"audiosearch", "pip", "setuptools"}
    }
    found = differences(lock, ours)
    print("\n".join(found) if found else "All versions are those of the lock.")


if __name__ == "__main__":
    main()
