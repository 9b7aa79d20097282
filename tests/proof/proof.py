#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The differential proof: random programs, random edits, patched live, against references.

  proof.py --suture FILE --agent FILE [--edits N] [--seed S] [--jobs J] [--folder DIR]

Ends when N edits have been tried; every program has a seed of its own, S, S+1 and so on, from which
program, way of building and diffs follow. A finding is shrunk, and kept in DIR with what shows it.
Exit code 1 when there was one.
"""
import argparse
import collections
import concurrent.futures
import os
import shutil
import sys
import tempfile
import threading
import time

from program import NOTHING, PATCH
from trial import Mismatch, Trial, Trouble, Way

SHRINKS = 60


class Proof:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.tried = 0
        self.verdicts = collections.Counter()
        self.stacked = collections.Counter()
        self.kinds = collections.Counter()
        self.findings = []
        self.next_seed = options.seed

    def trial(self, seed, folder, without=(), way=None):
        o = self.options
        return Trial(seed, folder, o.suture, o.agent, way or Way(seed, o.compilers, o.languages), o.units, o.items, without)

    def fails(self, seed, ids, without=(), above=()):
        """The mismatch that these edits alone show in a fresh process, or None."""
        folder = tempfile.mkdtemp(prefix="shrink.", dir=self.options.folder)
        trial = self.trial(seed, folder, without)
        try:
            trial.prepare()
            edits = [edit for edit in trial.program.edits if edit.id in ids]
            trial.try_edits(edits, [edit for edit in trial.program.edits if edit.id in above])
            return None
        except Mismatch as mismatch:
            return str(mismatch)
        except Trouble:
            return None
        finally:
            trial.close()
            shutil.rmtree(folder, ignore_errors=True)

    def shrink(self, trial, seed, ids, above):
        """Fewer edits, then fewer items, as long as it fails."""
        left = SHRINKS
        if above and self.fails(seed, ids):
            above = []
        for i in list(above):
            if len(above) > 1 and left > 0:
                left -= 1
                fewer = [k for k in above if k != i]
                if self.fails(seed, ids, (), fewer):
                    above = fewer
        for i in list(ids):
            if len(ids) > 1 and left > 0:
                left -= 1
                fewer = [k for k in ids if k != i]
                if self.fails(seed, fewer, (), above):
                    ids = fewer
        without, size = [], max(1, len(trial.program.all) // 2)
        while size and left > 0:
            keep = [item.number for item in trial.program.all if item.number not in without]
            for at in range(0, len(keep), size):
                left -= 1
                more = without + keep[at:at + size]
                if left > 0 and self._still_there(trial, [*ids, *above], more) and self.fails(seed, ids, more, above):
                    without = more
            size //= 2
        return ids, without, above

    def _still_there(self, trial, ids, without):
        gone = {edit.id for item in trial.program.all if item.number in without for edit in trial.program.edits_of(item)}
        needed = {item.needs.number for item in trial.program.all if hasattr(item, "needs") and item.number not in without}
        return not gone & set(ids) and not needed & set(without)

    def report(self, trial, seed, edits, above, mismatch):
        o = self.options
        ids, above = [edit.id for edit in edits], [edit.id for edit in above]
        shown, without = str(mismatch), []
        if o.verbose:
            print(f"mismatch, seed {seed}, edits {ids} {above}: {shown}", flush=True)
        again = self.fails(seed, ids, (), above)
        if again:
            shown = again
            if o.shrink:
                ids, without, above = self.shrink(trial, seed, ids, above)
        folder = os.path.join(o.folder, f"finding-{seed}-{ids[0]}")
        small = self.trial(seed, folder, without)
        try:
            small.prepare()
            small.try_edits(*([edit for edit in small.program.edits if edit.id in some] for some in (ids, above)))
        except Mismatch as last:
            shown = str(last)
        except Trouble:
            pass
        finally:
            small.close()
        kinds = [edit.kind for edit in trial.program.edits if edit.id in ids]
        if above:
            kinds += ["and on top: " + ", ".join(edit.kind for edit in trial.program.edits if edit.id in above)]
        with self.lock:
            self.findings.append(seed)
            print(f"FINDING seed {seed} ({trial.way}): {', '.join(kinds)}\n"
                  f"    {shown}\n    {'shown again alone' if again else 'only after what went before'}; kept in {folder}", flush=True)

    def one_program(self, seed):
        folder = tempfile.mkdtemp(prefix=f"program-{seed}.", dir=self.options.folder)
        trial = self.trial(seed, folder)
        try:
            trial.prepare()
            waiting = trial.batches()
            while waiting:
                batch, above = waiting.pop(0), []
                # Some get a patch on top of them.
                if waiting and not batch[0].alone and not waiting[0][0].alone and trial.random.random() < 0.15:
                    above = waiting[0][:6]
                    waiting[0:1] = [waiting[0][6:]] if waiting[0][6:] else []
                if self.tried >= self.options.edits or len(self.findings) >= self.options.findings:
                    break
                try:
                    verdict = trial.try_edits(batch, above)
                    if above and trial.on_top in (PATCH, NOTHING):
                        with self.lock:
                            self.tried += len(above)
                            self.stacked[trial.on_top] += 1
                    elif above:
                        # Once by themselves, then: what is new in them begins once only, in the reference.
                        waiting.append(above)
                        if trial.on_top:
                            with self.lock:
                                self.stacked[trial.on_top] += 1
                except Mismatch as mismatch:
                    trial.close()
                    self.report(trial, seed, batch, above, mismatch)
                    trial._start()
                    verdict = "finding"
                if verdict.startswith("refused:") and len(batch) > 1:
                    # One of them must not keep the others from being tried.
                    waiting[:0] = [batch[::2], batch[1::2]]
                    continue
                with self.lock:
                    self.tried += len(batch)
                    self.verdicts[verdict] += 1
                    for edit in batch:
                        self.kinds[edit.kind, verdict] += 1
        except (Trouble, Mismatch) as trouble:
            with self.lock:
                self.findings.append(seed)
                print(f"FINDING seed {seed} ({trial.way}): {trouble}", flush=True)
        finally:
            trial.close()
            shutil.rmtree(folder, ignore_errors=True)
        if self.options.verbose:
            print(f"seed {seed}: {trial.way}: {self.tried} edits so far", flush=True)

    def worker(self):
        while True:
            with self.lock:
                if self.tried >= self.options.edits or len(self.findings) >= self.options.findings:
                    return
                seed = self.next_seed
                self.next_seed += 1
            self.one_program(seed)

    def run(self):
        started = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            for future in [pool.submit(self.worker) for _ in range(self.options.jobs)]:
                future.result()
        print(f"seeds {self.options.seed} to {self.next_seed - 1}: {self.tried} edits in {sum(self.verdicts.values())} diffs, "
              f"{len(self.findings)} findings, {time.monotonic() - started:.0f} s")
        print("; ".join(f"{count} {verdict}" for verdict, count in self.verdicts.most_common()))
        if self.stacked:
            print("on top of another patch: " + "; ".join(f"{count} {verdict}" for verdict, count in self.stacked.most_common()))
        if self.options.verbose:
            for (kind, verdict), count in sorted(self.kinds.items()):
                print(f"  {count:5} {kind}: {verdict}")
        return 1 if self.findings else 0


def main():
    parser = argparse.ArgumentParser(description="differential proof of live patches")
    parser.add_argument("--suture", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder")
    parser.add_argument("--units", type=int, default=4)
    parser.add_argument("--items", type=int, default=36)
    parser.add_argument("--findings", type=int, default=5, help="stop after so many")
    parser.add_argument("--languages", type=lambda s: s.split(","), default=["c", "c++"])
    parser.add_argument("--compilers", type=lambda s: s.split(","), default=["gcc", "clang"])
    parser.add_argument("--no-shrink", dest="shrink", action="store_false")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.suture, options.agent = os.path.abspath(options.suture), os.path.abspath(options.agent)
    options.compilers = [name for name in options.compilers if shutil.which(name)]
    if not options.compilers:
        print("SKIP: no compiler here")
        sys.exit(77)
    made = None
    if not options.folder:
        made = options.folder = tempfile.mkdtemp(prefix="suture-proof.")
    options.folder = os.path.abspath(options.folder)
    os.makedirs(options.folder, exist_ok=True)
    try:
        code = Proof(options).run()
    finally:
        if made and not any(name.startswith("finding") for name in os.listdir(made)):
            shutil.rmtree(made, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
