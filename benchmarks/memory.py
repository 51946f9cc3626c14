"""How much memory a row takes, measured in a process of its own."""

import importlib
import subprocess
import sys

from benchmarks.peers import TapePeer
from benchmarks.problems import rosenbrock, uniform


def resident() -> int:
    """Bytes of memory that this process holds."""
    try:
        with open("/proc/self/statm") as statm:
            import resource

            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:  # elsewhere the most that it ever held
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def bytes_per_row(peer: TapePeer, rows: int) -> float:
    """What recording a Rosenbrock function of so many rows takes, inputs included, measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", type(peer).__module__, peer.name, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().rpartition("\n")[2])
    return float(done.stdout)


def main(module: str, name: str, rows: int) -> float:
    (peer,) = [peer for peer in importlib.import_module(module).PEERS if peer.name == name]
    peer.prepare(rosenbrock, uniform(20))(uniform(20))
    x = uniform(rows // 9 + 1)
    before = resident()
    vs = peer.inputs(x)
    y = rosenbrock(vs, peer.m)
    held = resident() - before
    assert y is not None
    return held / rows


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
