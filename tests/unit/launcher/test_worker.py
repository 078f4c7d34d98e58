import signal
import subprocess
import sys
import time

import pytest

from launcher.processes import child_variables

#: A loop that catches everything, as web2py's does in places
STUBBORN_LOOP = """
import signal, sys, threading, time
from launcher import worker

class Scheduler(threading.Thread):
    have_heartbeat = True
    def loop(self):
        print("ready", flush=True)
        while self.have_heartbeat:
            try:
                time.sleep(0.5)
            except BaseException:
                print("caught", flush=True)

signal.pthread_sigmask(signal.SIG_BLOCK, worker._ENDING)
threading.Thread(target=worker._wait_for_signal, daemon=True).start()
worker.loop(Scheduler())
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_loop_even_where_every_exception_is_caught(number):
    process = subprocess.Popen([sys.executable, "-c", STUBBORN_LOOP], env=child_variables(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"

        process.send_signal(number)
        output, _ = process.communicate(timeout=10)

        assert output.splitlines()[-1] == "ended"
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_a_signal_before_the_loop_ends_the_worker_too():
    source = STUBBORN_LOOP.replace("worker.loop(Scheduler())", "print('loading', flush=True); time.sleep(30)")
    process = subprocess.Popen([sys.executable, "-c", source], env=child_variables(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "loading\n"

        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(10)

        assert time.monotonic() - started < 5
    finally:
        process.kill()
        process.communicate()
