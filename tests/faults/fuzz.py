"""Coverage-guided fuzzing of both ends of a connection: python -m tests.faults.fuzz [SECONDS]

libFuzzer (its Python is atheris, which ``make fuzz`` installs) keeps each input that reaches code
which none before it did, and changes it further. An input is a whole life of a stream: who hears
it, and its frames. What it found stays in build/fuzz/, and the next run begins with it; the first
begins with frames as they should be.
"""

import asyncio
import logging
import re
import subprocess
import sys
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"
ROLES = ("provider", "consumer")

# Frames of one stream, and bytes of one input.
FRAMES, LONGEST = 16, 16_384


def pack(role: int, frames: list[bytes]) -> bytes:
    """An input: the role, and each frame behind its length."""
    parts = (len(frame).to_bytes(2, "big") + frame for frame in frames[:FRAMES])
    return bytes([role]) + b"".join(parts)


def unpack(data: bytes) -> tuple[int, list[bytes]]:
    """Whatever the bytes are, they mean something."""
    frames, at = [], 1
    while at < len(data) and len(frames) < FRAMES:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        frames.append(data[at + 2 : end])
        at = end
    return (data[0] % len(ROLES) if data else 0), frames


def child(seconds: int) -> None:
    """Until a failure, or the time is up. Does not return: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["facade"]):
        from tests.security.corpus import Mutator, consumer_frames, provider_frames
        from tests.security.fuzz import Bugs, feed

    seeds = FOLDER / "corpus"
    seeds.mkdir(parents=True, exist_ok=True)
    for role, good in enumerate((provider_frames(), consumer_frames())):
        rest = good[1:]  # whoever feeds puts a setup before
        for number, frames in enumerate([rest, *([each] for each in rest)]):
            (seeds / f"{ROLES[role]}-{number}").write_bytes(pack(role, frames))

    mutators = [
        Mutator(provider_frames(), 1, rising=True),
        Mutator(consumer_frames(), 1, rising=False),
    ]

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        """One frame is changed, made anew, put in, taken out, or moved."""
        role, frames = unpack(data)
        mutator = mutators[role]
        mutator.random.seed(seed)
        at = mutator.random.randrange(len(frames) + 1)
        kind = mutator.random.randrange(6)
        if kind == 0 or at == len(frames):
            frames.insert(at, mutator.frame())
        elif kind == 1 and len(frames) > 1:
            frames.insert(mutator.random.randrange(len(frames)), frames.pop(at))
        elif kind == 2:
            del frames[at]
        elif kind == 3:
            frames[at] = atheris.Mutate(frames[at], max(len(frames[at]) + 16, 16))
        else:
            frames[at] = bytes(mutator.random.choice(mutator.ways)(bytearray(frames[at])))
        return pack(role, frames)[:most]

    loop = asyncio.new_event_loop()
    unhandled: list[str] = []
    loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
    bugs, log = Bugs(), logging.getLogger("facade")
    log.addHandler(bugs)
    log.propagate = False
    log.setLevel(logging.ERROR)

    def one(data: bytes) -> None:
        role, frames = unpack(data)
        end = loop.run_until_complete(feed(ROLES[role], deque(frames)))
        assert end != "INTERNAL"
        # Those that were cancelled with their stream have had no turn yet.
        left = asyncio.all_tasks(loop)
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=5))
        assert not asyncio.all_tasks(loop), "tasks are left"
        assert not unhandled, unhandled
        assert not bugs.seen, bugs.seen

    options = (f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=60", "-len_control=0")
    artifacts = f"-artifact_prefix={FOLDER}/"
    atheris.Setup([sys.argv[0], *options, artifacts, str(seeds)], one, custom_mutator=mutate)
    atheris.Fuzz()


def main(seconds: int) -> int:
    """Run the child, and say in one line what came of it."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.faults.fuzz", "child", str(seconds)]
    log = FOLDER / "log"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        code = subprocess.run(command, cwd=ROOT, stdout=out, stderr=out, check=False).returncode
    text = log.read_text(errors="replace")
    seen = re.findall(r"^#(\d+)\s.*cov: (\d+) ft: (\d+) corp: (\d+)", text, re.MULTILINE)
    if code or not seen:
        print(text[-4000:])
    runs, reached, _, kept = seen[-1] if seen else ("0",) * 4
    figure = f"{int(runs):,} streams in {seconds} s, {reached} branches, {kept} inputs kept"
    print(f"coverage-guided: {figure}  no failure  {'NOT OK' if code or not seen else 'ok'}")
    return code or int(not seen)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["child"]:
        child(int(arguments[1]))
    sys.exit(main(int(arguments[0]) if arguments else 600))
