# SPDX-License-Identifier: MIT
"""One program in one way of building it: patched live, edit after edit, against its reference."""
import difflib
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess

import text
from program import NOTHING, PATCH, Program

STEPS = 30
PATIENCE = 600
BEGINS_TO_CALL = re.compile("^new|added|inserted|lambda|rethrown")  # kinds of edits that may make a leaf call


class Mismatch(Exception):
    """A finding: what was expected, and what came."""


class Trouble(Exception):
    """The trial itself can't be run."""


def run(argv, cwd, env=None):
    return subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=PATIENCE)


class Way:
    """How the program is built: compiler, level, and kind of code."""

    def __init__(self, seed, compilers=("gcc", "clang"), languages=("c", "c", "c++")):
        choose = random.Random(f"way {seed}").choice
        self.compiler = choose(compilers)
        self.level = choose(["-O0", "-O1", "-O2", "-O2", "-O3", "-Os"])
        self.language = choose(languages)
        self.shared = choose([False, False, False, True])
        self.pie = True if self.shared else choose([True, True, False])
        self.extra = choose([[], [], ["-fcf-protection"], ["-fcf-protection=none"], ["-ffunction-sections"],
                             ["-fno-inline"], ["-fno-plt"], ["-fomit-frame-pointer"], ["-fno-omit-frame-pointer"]])
        self.debug = choose([["-g"], []])

    def flags(self, source):
        kind = ["-fPIC"] if self.shared else ["-fPIE"] if self.pie else ["-fno-pie"]
        standard = ["-std=c++17"] if source.endswith(".cpp") else []
        return [self.level, *kind, *self.extra, *self.debug, *standard, "-w"]

    def driver(self, source="x.cpp"):
        if source.endswith(".cpp"):
            return "g++" if self.compiler == "gcc" else "clang++"
        return self.compiler

    def __str__(self):
        kind = "shared" if self.shared else "pie" if self.pie else "nopie"
        return " ".join([self.driver(f"x.{'cpp' if self.language == 'c++' else 'c'}"), self.level, kind, *self.extra, *self.debug])


class Process:
    """A program that is driven by lines."""

    def __init__(self, argv, env=None):
        self.child = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, bufsize=0)
        self.rest = b""

    def ask(self, line):
        try:
            self.child.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            raise Mismatch(f"the program is gone: {self._end()}") from None
        while b"\n" not in self.rest:
            if not select.select([self.child.stdout], [], [], PATIENCE)[0]:
                raise Mismatch("the program does not answer")
            more = os.read(self.child.stdout.fileno(), 65536)
            if not more:
                raise Mismatch(f"the program ended: {self._end()}")
            self.rest += more
        answer, self.rest = self.rest.split(b"\n", 1)
        return answer.decode()

    def _end(self):
        code = self.child.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def close(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()


class Trial:
    def __init__(self, seed, folder, suture, agent, way, units=4, items=24, without=()):
        self.program = Program(seed, units, items, way.language, without)
        self.way, self.seed, self.folder = way, seed, folder
        self.suture, self.agent = suture, agent
        self.old, self.ref = os.path.join(folder, "source"), os.path.join(folder, "reference")
        self.live = self.model = None
        self.random = random.Random(f"trial {seed}")
        self.on_top = None  # the last verdict of a patch built on another

    # ---- building ----------------------------------------------------------------------------

    def _write(self, folder, files):
        os.makedirs(folder, exist_ok=True)
        for name, body in files.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(body)

    def _compile(self, folder, argv_of, output, link):
        objects = []
        for name in sorted(os.listdir(folder)):
            if name.endswith((".c", ".cpp")):
                done = run(argv_of(name), folder)
                if done.returncode:
                    raise Trouble(f"{name} does not compile: {done.stderr[:2000]}")
                objects.append(f"{name}.o")
        done = link(objects)
        if done.returncode:
            raise Trouble(f"{output} does not link: {done.stderr[:2000]}")

    def prepare(self):
        way = self.way
        files = self.program.files()
        self.texts = {name: text.plain(body, set()) for name, body in files.items()}
        self._write(self.old, self.texts)
        lines = {}
        for body in self.texts.values():
            lines.update(text.line_numbers(body))
        self._write(self.ref, {name: text.reference(body, lines) for name, body in files.items()})
        commands = []

        def argv_of(name):
            argv = [way.driver(name), *way.flags(name), "-c", name, "-o", f"{name}.o"]
            commands.append({"directory": self.old, "file": name, "output": f"{name}.o", "arguments": argv})
            return argv

        def link(objects):
            mode = [] if way.pie else ["-no-pie"]
            self.binary = os.path.join(self.old, "program")
            if way.shared:
                inside = [name for name in objects if name != "main.c.o"]
                self.binary = os.path.join(self.old, "libprogram.so")
                done = run([way.driver(), "-shared", "-Wl,--build-id", "-o", "libprogram.so", *inside], self.old)
                if done.returncode:
                    return done
                objects, mode = ["main.c.o"], ["-L.", "-lprogram", f"-Wl,-rpath,{self.old}"]
            return run([way.driver(), "-Wl,--build-id", "-o", "program", *objects, *mode], self.old)

        self._compile(self.old, argv_of, "program", link)
        with open(os.path.join(self.old, "compile_commands.json"), "w") as file:
            json.dump(commands, file)
        # The other compiler, another level: it must not matter.
        other = {"gcc": "clang", "clang": "gcc"}[way.compiler]
        if not shutil.which(other):
            other = way.compiler
        plus = {"gcc": "g++", "clang": "clang++"}[other]
        self._compile(self.ref, lambda name: [plus if name.endswith(".cpp") else other, "-O1", "-w", *(["-std=c++17"] if name.endswith(".cpp") else []),
                                              "-c", name, "-o", f"{name}.o"], "program",
                      lambda objects: run([plus, "-o", "program", *objects], self.ref))
        self._start()

    def _start(self):
        environment = dict(os.environ, LD_PRELOAD=self.agent)
        self.live = Process([os.path.join(self.old, "program")], environment)
        self.model = Process([os.path.join(self.ref, "program")])
        self.ask_both("before any patch")
        for _ in range(600):
            if self._suture("status", "-p", str(self.live.child.pid))[0] == 0:
                return
            select.select([], [], [], 0.05)
        raise Trouble("the agent does not serve")

    def close(self):
        for process in (self.live, self.model):
            if process:
                process.close()

    # ---- comparing ---------------------------------------------------------------------------

    def ask_both(self, when):
        line = f"s {self.random.randrange(1 << 30)} {STEPS}"
        got, want = self.live.ask(line), self.model.ask(line)
        if got == want:
            return
        count = len(self.program.all)
        pairs = list(zip(got.split(), want.split()))
        at = next((i for i, (a, b) in enumerate(pairs) if a != b), 0)
        raise Mismatch(f"{when}: step {at // count}: item_{at % count} is {pairs[at][0]}, the reference has {pairs[at][1]}")

    def _suture(self, *argv):
        done = run([self.suture, *argv, "--json"], self.folder,
                   dict(os.environ, XDG_CACHE_HOME=os.path.join(self.folder, "cache")))
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            raise Mismatch(f"suture {argv[0]}: exit code {done.returncode}, no document: {done.stderr[-500:]}") from None

    def diff(self, edits, below=()):
        """Of the edits, to the sources as those of `below` have left them."""
        under = {edit.id for edit in below}
        applied = under | {edit.id for edit in edits}
        out = []
        for name, body in self.program.files().items():
            old, new = text.plain(body, under), text.plain(body, applied)
            if new != old:
                out += difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
        return "".join(out)

    # ---- one diff ----------------------------------------------------------------------------

    def try_edits(self, edits, above=()):
        """Builds, applies, compares, reverts, compares. Returns the verdict; raises Mismatch. The edits `above` go
        on top of the patch, as one that is built on it."""
        self.on_top = None
        verdict, said = self._build("edit", edits)
        if verdict not in (PATCH, NOTHING):
            return verdict
        if verdict == PATCH:
            self._no_noise(said, edits)
        return self._live(edits, verdict, above)

    def _build(self, name, edits, below=()):
        """PATCH, NOTHING or in words why it is refused, which may be; and what was said."""
        path = os.path.join(self.folder, f"{name}.diff")
        with open(path, "w") as file:
            file.write(self.diff(edits, below))
        options = [option for edit in edits for option in edit.options]
        if below:
            options += ["--on", os.path.join(self.folder, "edit.so")]
        code, said = self._suture("build", "-C", self.old, "--source", self.old, "--binary", self.binary,
                                  "-o", os.path.join(self.folder, f"{name}.so"), "--name", name, *options, path)
        verdict = said.get("result", "trouble")
        refusals = {r["code"] for r in said.get("refusals", [])} | {said.get("error", {}).get("code")} - {None}
        refused = [edit for edit in edits if isinstance(edit.verdict, (set, frozenset))]
        if refused:
            wanted = refused[0].verdict
            if verdict != "refused" or not (refusals & wanted if isinstance(wanted, frozenset) else refusals >= wanted):
                raise Mismatch(f"{refused[0].kind}: {verdict} {sorted(refusals)} instead of {sorted(wanted)}")
            return "refused as it must be", said
        if verdict not in (PATCH, NOTHING):
            allowed = set().union(*(edit.allowed for edit in edits))
            if self.way.shared:
                allowed |= set().union(*(edit.allowed_shared for edit in edits))
            if refusals and refusals <= allowed:
                return "refused: " + " ".join(sorted(refusals)), said
            # What a compiler makes of local variables depends on all that is done with them.
            if verdict == "refused" and all("would be lost" in r["message"] for r in said["refusals"]):
                return "refused: the compiler stores a variable otherwise", said
            on = " (on another patch)" if below else ""
            raise Mismatch(f"{verdict}{on}: {json.dumps(said.get('refusals') or said.get('error') or said)[:800]}")
        return verdict, said

    def _no_noise(self, said, edits):
        """Without inlining the functions of the patch are those that were edited, or what they read."""
        if all(edit.verdict == NOTHING for edit in edits):
            raise Mismatch(f"not nothing: {[f['name'] + ': ' + f['because'] for f in said['functions']]}")
        if self.way.level != "-O0":
            return
        # A leaf that begins to call makes gcc lay out its callers' stacks otherwise.
        if self.way.compiler == "gcc" and any(BEGINS_TO_CALL.search(edit.kind) for edit in edits):
            return
        numbers = {name.split("_")[1] for edit in edits if edit.verdict == PATCH for name in edit.functions}
        for function in said["functions"]:
            if function["kind"] != "new" and not numbers & set(re.findall(r"_(\d+)", function["name"])):
                raise Mismatch(f"{function['name']} is in the patch: {function['because']}")

    def _live(self, edits, verdict, above):
        if verdict == PATCH:
            left = self._apply("edit")
            if left:
                return left
        self._switch(edits, 1)
        self.ask_both("patched" if verdict == PATCH else "nothing to patch, it is said")
        if verdict == PATCH:
            if above:
                self.on_top = self._on_top(edits, above)
            self._revert("edit")
        self._switch(edits, 0)
        self.ask_both("reverted")
        return verdict

    def _on_top(self, edits, above):
        verdict, said = self._build("next", above, edits)
        if verdict not in (PATCH, NOTHING):
            return verdict
        if verdict == PATCH:
            left = self._apply("next")
            if left:
                return left
        self._switch(above, 1)
        self.ask_both("patched on top of a patch" if verdict == PATCH else "nothing to patch on top, it is said")
        if verdict == PATCH:
            self._revert("next")
        self._switch(above, 0)
        self.ask_both("back to the first patch")
        return verdict

    def _apply(self, name):
        """None, or why not, where that may be."""
        code, said = self._suture("apply", os.path.join(self.folder, f"{name}.so"), "-p", str(self.live.child.pid))
        if not code:
            return None
        if code == 4 and said.get("error", {}).get("code", "trouble") == "UNPATCHABLE_ENTRY":
            return "no room for a jump"
        raise Mismatch(f"apply {name}: {json.dumps(said)[:800]}")

    def _revert(self, name):
        code, said = self._suture("revert", name, "-p", str(self.live.child.pid))
        if code:
            raise Mismatch(f"revert {name}: {json.dumps(said)[:800]}")

    def _switch(self, edits, on):
        for edit in edits:
            self.model.ask(f"w {edit.id} {on}")

    def batches(self):
        """All edits once, in diffs of one or several."""
        edits = self.program.live_edits()
        self.random.shuffle(edits)
        left = [edit for edit in edits if not edit.alone]
        out = [[edit] for edit in edits if edit.alone]
        while left:
            size = self.random.choice([1, 2, 4, 8, 12] if self.way.language == "c" else [1, 3, 6, 12, 24])
            out.append(left[:size])
            left = left[size:]
        return out
