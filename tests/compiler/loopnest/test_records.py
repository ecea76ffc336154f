"""Words by name: where a record's fields are, and routines that read and write them."""
import numpy as np
import pytest

from kgraph.compiler.loopnest import records
from kgraph.compiler.loopnest.builder import Builder
from kgraph.compiler.loopnest.interpret import run
from kgraph.compiler.loopnest.nodes import Name
from kgraph.compiler.loopnest.records import LOOP_MOVER, SEGMENT, WINDOW, Record


def test_places_follow_each_other():
    for record in (r for r in vars(records).values() if isinstance(r, Record)):
        groups = [(g, k, f) for g, fields in record.groups.items() for k in range(record.words) for f in fields
                  if record.place(g, k, f) < record.words]
        single = [record.place(f) for f in record._places if f not in record.groups]
        places = sorted(single + [record.place(*g) for g in groups if record.place(*g) >= record.place(g[0])])
        assert set(places) == set(range(record.words)), record.name
    assert SEGMENT.filled(**{f: i for i, f in enumerate(SEGMENT._places)}) == list(range(9))


def test_what_is_not_there_is_named():
    with pytest.raises(KeyError, match="window has no kindness"):
        WINDOW.place("kindness")
    with pytest.raises(KeyError, match=r"window has no axes\[1\].count"):
        WINDOW.place("axes", 1, "count")
    with pytest.raises(KeyError, match="loop_mover: expected place, step, received place"):
        LOOP_MOVER.filled(place=1)


def test_a_place_may_depend_on_what_is_known_at_run_time():
    k = Name("k", "int64")
    assert str(WINDOW.place("loops", k, "b")) != str(WINDOW.place("loops", k, "a"))
    assert WINDOW.place("axes", 2, "taps") - WINDOW.place("axes", 1, "taps") == len(WINDOW.groups["axes"])


def test_routines_use_names():
    words = np.zeros(WINDOW.words + SEGMENT.words, np.int64)
    words[WINDOW.place("axes", 2, "taps")], words[WINDOW.place("band")] = 5, 1
    w = Builder(("block",))
    block, = w.given
    g, s = w.record("g", WINDOW, block, 0), w.record("s", SEGMENT, block + 8 * WINDOW.words, 0)
    w.fill(g.loops[g.band], count=g.axes[2].taps + 1)
    w.fill(g.loops[3], b=7)
    w.fill(s, near_tap=SEGMENT.words)
    w.accumulate(s.count, WINDOW.place("loops"))
    run(w.nest(), words.ctypes.data)
    assert words[WINDOW.place("loops", 1, "count")] == 6 and words[WINDOW.place("loops", 3, "b")] == 7
    assert words[WINDOW.words + SEGMENT.place("near_tap")] == 9
    assert words[WINDOW.words + SEGMENT.place("count")] == WINDOW.place("loops")
