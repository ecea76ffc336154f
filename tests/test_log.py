"""What kgraph tells goes through the logger "kgraph", whose level KGRAPH_DEBUG or the program sets."""
import logging

import pytest

from kgraph import log


@pytest.fixture
def logger():
    logger = logging.getLogger("kgraph")
    before = logger.level
    yield logger
    logger.setLevel(before)


@pytest.mark.parametrize("debug", range(5))
@pytest.mark.parametrize("level", range(5))
def test_levels(debug, level, monkeypatch, caplog):
    monkeypatch.setenv("KGRAPH_DEBUG", str(debug))
    with caplog.at_level(1, "root"):
        log.report(level, "told")
    assert caplog.messages == (["kgraph: told"] if debug >= level else [])
    assert all(r.name == "kgraph" and r.levelno == log.LEVELS[level] for r in caplog.records)


def test_a_program_sets_the_level(logger, monkeypatch, caplog):
    monkeypatch.delenv("KGRAPH_DEBUG", raising=False)
    logger.setLevel(logging.INFO)
    assert log.is_heard(1) and not log.is_heard(2)
    logger.setLevel(logging.DEBUG)
    assert log.is_heard(4)


def test_without_handlers_it_goes_to_stderr(logger, monkeypatch, capsys):
    monkeypatch.setattr(logger, "propagate", False)  # to the handlers of pytest
    log.report(0, "50% told", prefix="")
    assert capsys.readouterr() == ("", "50% told\n")
