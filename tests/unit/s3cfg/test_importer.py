"""Importing by name while another thread imports the same."""
from __future__ import annotations

import sys
import threading


def test_a_module_that_another_thread_is_still_importing_is_waited_for(tmp_path, monkeypatch):
    from s3cfg.importer import import_module

    (tmp_path / "slowly_imported.py").write_text("import time\ntime.sleep(0.3)\nREADY = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    threads = [threading.Thread(target=lambda: found.append(hasattr(import_module("slowly_imported"), "READY"))) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    sys.modules.pop("slowly_imported", None)

    assert found == [True] * 4
