"""Faults that the server survives: what happens, and which test holds it.

| fault | what happens | test |
|---|---|---|
| kill -9 of the server | its workers end with it; the next server removes its folders, and no other's | `test_killed.py`, `tests/models/machine/test_folders.py` |
| kill -9 of a run | a sentence; the last snapshot is a model of the visitor's; no zombie; the next run begins | `test_killed.py`, `tests/explorer/server/test_jobs.py` |
| Ctrl-C, SIGTERM | a run ends after its step; the server leaves nothing | `tests/models/training/test_interrupts.py`, `tests/explorer/server/test_uploads.py` |
| disk full: a checkpoint | the run ends with a sentence, the file before is whole, no half of one is left | `test_full_disk.py`, `tests/models/test_full_disk.py` |
| disk full: a download | nothing of it is left, and a sentence says so | `test_full_disk.py`, `tests/models/data/test_fetching.py` |
| disk full: an upload | refused, and no part of it is left | `test_full_disk.py` |
| out of memory: a request | a model that does not fit is not loaded; where almost nothing is free results are let go, then nothing is begun; what could not be had is a sentence | `test_memory.py` |
| out of memory: a run | bounded to 4 GB; a sentence; the system ends it before the page | `test_killed.py`, `tests/models/training/test_session.py` |
| the clock jumps | nobody is taken for gone, no file is removed | `test_clock.py` |
| cut in the midst of an upload | what came of it is removed | `test_cut.py` |
| cut in the midst of a stream | the work ends, no connection stays, others are served | `test_cut.py`, `tests/explorer/server/test_ask.py` |
| a phone sleeps | its run and models wait for a quarter of an hour; a run gives way to others who wait, and its model stays | `test_cut.py`, `tests/explorer/server/test_jobs.py`, `tests/browser/test_asleep.py` |
| reload at every moment of a run | the page finds it as it stands | `test_cut.py`, `tests/browser/test_training.py` |
| two tabs of one visitor | both see the run; it goes on when one is closed | `test_cut.py`, `tests/explorer/tabs/train/test_running.py` |
| a hundred opened and closed at once | no thread, socket, file or process more | `test_crowd.py` |
| 1,000 visits | the same | `python -m tests.faults.visits` |
| a broken file among the checkpoints | left out; the log says which and why | `test_broken.py`, `tests/explorer/server/test_store.py` |
| folders that can only be read | of models: nothing is missing; others: one sentence at the start | `test_broken.py`, `tests/models/test_full_disk.py` |
| uploads after their visitor, or of nobody | removed; Gradio's copies, too | `tests/explorer/server/test_uploads.py`, `tests/explorer/test_strangers.py` |
| one visitor or address asks too much | refused: see .github/SECURITY.md | `tests/explorer/server/test_guard.py`, `test_uploads.py` there |

The short form is part of ``make test``. Servers here are real ones; where nothing depends on what is
learned, their runs are those of ``worker.py``, which begin at once. Disks are really full and really
read-only where a disk can be mounted, which takes root; elsewhere those two tests are left out.
"""  # noqa: E501
