"""One command runs every test on every engine that is built, and its id says on which: `test_it[native]`.

A process has one engine, picked when scalargrad is imported. So pytest-xdist gets workers of each kind, and those of a
kind share out the tests of their engine among them. Without workers, or where SCALARGRAD_ENGINE asks for one engine,
its tests run and the others are deselected.
"""

import importlib.util
import itertools
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings

from scalargrad.engine import ENGINE

BUILT = ["python"]
if os.environ.get("REQUIRE_NATIVE") == "1" or importlib.util.find_spec("scalargrad.engine.native"):
    importlib.import_module("scalargrad.engine.native")  # a broken one is no reason to test less
    BUILT.append("native")


# No test passes or fails by the time that an example takes: on a busy machine, or under the sanitizers, that is long.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def elsewhere():
    """A function that does some work in a thread of its own, and hands back the result or raises the exception."""

    def do(work):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work).result()

    return do


# ── the tests of each engine ────────────────────────────────────────────────────────────────────────────────────────


def pytest_generate_tests(metafunc):
    if not metafunc.definition.get_closest_marker("engine_free"):
        metafunc.fixturenames.append("on")
        metafunc.parametrize("on", BUILT)


@pytest.hookimpl(trylast=True)  # after -k and -m have taken what they want
def pytest_collection_modifyitems(config, items):
    """Keep the tests of the engine of this process, and its share of those that need none in particular."""
    engines = itertools.cycle(getattr(config, "workerinput", {}).get("engines", [ENGINE]))
    ours, others = [], []
    for item in items:
        engine = item.callspec.params.get("on") if hasattr(item, "callspec") else None
        (ours if (engine or next(engines)) == ENGINE else others).append(item)
    if others and not ours and not hasattr(config, "workerinput"):
        (other,) = {*BUILT} - {ENGINE}
        raise pytest.UsageError(f"the {ENGINE} engine runs here: for the other, SCALARGRAD_ENGINE={other} or -n 1")
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = ours


# ── the workers of each engine ──────────────────────────────────────────────────────────────────────────────────────


def pytest_configure(config):
    config.addinivalue_line("markers", "engine_free: not a test of the engine that runs, so that once is enough")
    workers = getattr(config.option, "numprocesses", None)
    if workers and len(BUILT) > 1 and os.environ.get("SCALARGRAD_ENGINE", "auto") == "auto":
        engines = itertools.islice(itertools.cycle(BUILT), max(len(config.option.tx), len(BUILT)))
        config.option.tx = [f"popen//env:SCALARGRAD_ENGINE={engine}" for engine in engines]


def engine_of(spec):
    """The engine of the worker that xdist starts from this."""
    return spec.env.get("SCALARGRAD_ENGINE", ENGINE)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["engines"] = sorted(set(map(engine_of, node.nodemanager.specs)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByEngine(config, log)


class ByEngine:
    """xdist's own scheduler, once for each engine: it wants all its workers to collect the same tests."""

    def __init__(self, config, log):
        session = config.pluginmanager.get_plugin("dsession")
        self.schedulers = {}
        for engine, workers in Counter(map(engine_of, session.nodemanager.specs)).items():
            self.schedulers[engine] = session.pytest_xdist_make_scheduler(config, log)
            self.schedulers[engine].numnodes = workers
        self.session, self.collected = config.pluginmanager.get_plugin("session"), Counter()

    def of(self, node):
        return self.schedulers[engine_of(node.gateway.spec)]

    @property
    def nodes(self):
        return [node for scheduler in self.schedulers.values() for node in scheduler.nodes]

    @property
    def collection_is_completed(self):
        return all(scheduler.collection_is_completed for scheduler in self.schedulers.values())

    @property
    def tests_finished(self):
        return all(scheduler.tests_finished for scheduler in self.schedulers.values())

    @property
    def has_pending(self):
        return any(scheduler.has_pending for scheduler in self.schedulers.values())

    def schedule(self):
        for scheduler in self.schedulers.values():
            scheduler.schedule()

    def add_node(self, node):
        self.of(node).add_node(node)

    def remove_node(self, node):
        return self.of(node).remove_node(node)

    def add_node_collection(self, node, collection):
        self.of(node).add_node_collection(node, collection)
        self.collected[engine_of(node.gateway.spec)] = len(collection)
        self.session.testscollected = self.collected.total()  # which xdist took to be what each collects

    def mark_test_complete(self, node, item_index, duration=0):
        self.of(node).mark_test_complete(node, item_index, duration)

    def remove_pending_tests_from_node(self, node, indices):
        self.of(node).remove_pending_tests_from_node(node, indices)
