"""One session for each kind of check: ``nox -s lint types``. scripts/test.sh runs all of them without nox."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types", "cpp", "tests"]
nox.options.reuse_existing_virtualenvs = True


def install(session: nox.Session, extras: str) -> None:
    """The package itself, editable, with these extras."""
    session.install("-e", f".[{extras}]")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, and who may import whom."""
    install(session, "dev")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """mypy --strict on the SDK, and the stub against the compiled module."""
    install(session, "dev")
    session.run("mypy")
    session.run("python", "-m", "mypy.stubtest", "hpe_edge._core")


@nox.session
def tests(session: nox.Session) -> None:
    """All Python tests."""
    install(session, "dev,training,onnx,video")
    session.run("pytest", *session.posargs)


def run_preset(session: nox.Session, preset: str) -> None:
    """Configure, build and test one CMake preset."""
    session.install("cmake", "ninja")
    session.run("cmake", "--preset", preset)
    session.run("cmake", "--build", "--preset", preset)
    session.run("ctest", "--preset", preset)


@nox.session
def cpp(session: nox.Session) -> None:
    """C++ tests, warnings as errors. Needs doctest (apt-get install doctest-dev)."""
    run_preset(session, "dev")


@nox.session
def asan(session: nox.Session) -> None:
    """C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer. Needs doctest."""
    run_preset(session, "asan")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, without a warning: build/docs/index.html."""
    install(session, "docs,training,video")
    session.run("python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "build/docs")
