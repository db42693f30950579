"""Kill -9 of whoever delivers, at random moments: nothing is lost, nothing is doubled, what is not known is said."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from workers_ground import Ground, becomes, said_to, settled, wait_for

from gcity_tui.model.receipt import Delivery
from gcity_tui.model.session import Phase

pytestmark = pytest.mark.tmux

DELIVER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from workers_ground import Ground
from gcity_tui.model.codec import decode
from gcity_tui.model.session import SessionRecord
import json
ground = Ground.join(Path(sys.argv[2]), sys.argv[3])
worker = ground.again(decode(SessionRecord, json.loads(sys.argv[4])), None)
print("up", flush=True)
while worker.queue.unsettled():
    worker.pump().result()
print("done", flush=True)
os._exit(0)
"""


def deliverer(ground: Ground, record: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", DELIVER, str(Path(__file__).parent), str(ground.path), ground.server.socket, record]
    found = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert found.stdout is not None and found.stdout.readline() == "up\n"
    return found


def test_killed_at_random_moments(ground: Ground) -> None:
    import json

    from gcity_tui.model.codec import encode

    chance = random.Random(20260504)
    worker = ground.worker()
    worker.start()
    becomes(worker, Phase.READY)
    settled(worker, worker.send("hello"))
    record = json.dumps(encode(worker.record))
    texts = [f"drill {n}" + ("\nmore\nof\nit\nfolded" if n % 5 == 0 else "") for n in range(30)]
    ids = {t: worker.queue.put(worker.record.instance, t).id for t in texts}
    kills = 0
    while worker.queue.unsettled() and kills < 12:
        process = deliverer(ground, record)
        try:
            process.wait(chance.uniform(0.02, 0.5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        finally:
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    after = ground.again(worker.record, worker.agent)
    after.settle()
    wait_for(lambda: (after.pump().result(), not after.queue.unsettled())[1], 30.0)
    becomes(after, Phase.READY)
    arrived = Counter("".join(t.split()) for t in said_to(after))
    states = {t: after.queue.receipt(id).state for t, id in ids.items()}
    for text, state in states.items():
        times = arrived["".join(text.split())]
        if state is Delivery.TAKEN_UP:
            assert times == 1, (text, times)
        elif state is Delivery.UNDELIVERED:
            assert times == 0, (text, times)
        else:
            assert state is Delivery.UNKNOWN and times <= 1, (text, state, times)
    assert kills >= 5
    assert list(states.values()).count(Delivery.UNKNOWN) <= kills
    assert list(states.values()).count(Delivery.TAKEN_UP) >= len(texts) - kills
