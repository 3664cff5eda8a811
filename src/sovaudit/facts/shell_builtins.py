"""Commands of a shell that change what it remembers, and what some programs print (bash(1) "SHELL BUILTIN COMMANDS", dash(1))."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sovaudit.facts.files import Unseen
from sovaudit.facts.parse.shell import NAME, Simple
from sovaudit.facts.parse.shell_words import Word
from sovaudit.facts.shell_expand import Expander, World, arithmetic, holds
from sovaudit.facts.shell_state import UNKNOWN, Flow, State, Value, Values
from sovaudit.facts.umask import new_mask
from sovaudit.model.evidence import Gap
from sovaudit.model.finding import Line
from sovaudit.model.verdict import Reason

Ends = dict[Flow, State]
Kept = tuple[Values | None, bool | None, tuple[Line, ...] | None]  # values, readonly and lines of a variable that a function hides
LOCAL, INTEGER = "local ", "integer "  # no name of a variable begins so: marks beside one
NOT: Values = frozenset({None})
# Programs whose output is made to be evaluated, and sets variables of their own alone.
_HARMLESS = re.compile(r"\s*(?:[A-Za-z_]+=\S*\s+)*(?:\S*/)?(?:dircolors|lesspipe|lessfile|ssh-agent|resize|tset|locale-gen)\b[^;&|]*")


class Builtins:
    """Mixed into the runner. Each method gives the ways in which the command may end."""

    world: World
    expander: Expander
    run_text: Callable[..., Ends]
    source: Callable[..., Ends]
    file: str
    scopes: list[dict[str, Kept]]  # of each function that is being called: what its own variables hide
    loops: int  # how many loops of the innermost of them are being run

    def put(self, name: str, value: Value, state: State, line: Line) -> None:
        """An assignment that may be refused where the variable may be readonly. `declare -i` makes it arithmetic."""
        if isinstance(value, str) and not value.isdecimal() and state.variables.get(INTEGER + name, NOT) != NOT:
            value = arithmetic(f"({value})")
        if name in state.readonly:
            state.variables[name] = state.variables.get(name, frozenset({None})) | {value}
            state.lines[name] = (*state.lines.get(name, ()), line)
            return
        state.set(name, value, line)
        if name == "PROMPT_COMMAND" and isinstance(value, str) and re.search(r"umask|TMOUT", value):
            state.blur(line, Gap(f"file:{line.file}", Reason.AMBIGUOUS, "PROMPT_COMMAND runs before each prompt"))

    def assigned_in(self, text: str, state: State) -> None:
        """Arithmetic may assign."""
        if (whole := re.fullmatch(r"[\s(]*([A-Za-z_]\w*)\s*=([\s\d+*/%-]+)[\s)]*", text)) and whole[1] not in state.readonly:
            state.set(whole[1], arithmetic(f"({whole[2]})"))
            return
        for name in re.findall(r"\b([A-Za-z_]\w*)\s*(?:[-+*/%&|^]?=(?!=)|\+\+|--)", text):
            state.set(name, UNKNOWN)

    def _done(self, state: State, status: bool | None = True) -> Ends:
        found = state.copy()
        found.status = status
        return {Flow.NEXT: found}

    def _refused(self, state: State) -> Ends:
        """A readonly variable stays as it is; dash and zsh then give the file up."""
        found = state.copy()
        found.status = False
        return {Flow.ABORT if self.world.dialect in ("dash", "zsh") else Flow.NEXT: found}

    def umask(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        found = state.copy()
        args = fields[1:]
        if UNKNOWN in args:
            found.umask = {None: line}
            found.status = None
            found.gaps = (*found.gaps, Gap(f"file:{line.file}", Reason.AMBIGUOUS, "the mask that is set was not seen"))
            return {Flow.NEXT: found}
        words = [str(arg) for arg in args]
        masks: dict[int | None, Line] = {}
        for mask, before in state.umask.items():
            result = new_mask(words, mask, self.world.dialect)
            if result is False:
                masks[mask] = before
                found.status = False
            else:
                found.status = True
                masks[result] = line if any(not word.startswith("-") for word in words) else before
        found.umask = masks
        return {Flow.NEXT: found}

    def declare(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        """export, readonly, declare, typeset, local."""
        command = fields[0]
        if command in ("declare", "typeset") and self.world.dialect == "dash":
            return self._done(state, False)
        if command == "local" and not self.scopes:
            return {Flow.ABORT: state} if self.world.dialect == "dash" else self._done(state, False)
        found = state.copy()
        found.status = True
        words = [self.expander.text(word, state) for word in node.words[1:]]
        options = "".join(word[1:] for word in words if isinstance(word, str) and word.startswith("-"))
        inner = command == "local" or (command in ("declare", "typeset") and not set("gfF") & set(options))
        inner |= command == "readonly" and self.world.dialect == "zsh"
        if self.scopes and inner:
            for name in _named(node.words[1:], words):
                self._local(name, found)
        for word in words:
            if not isinstance(word, str):
                found.status = None
                continue
            name, equals, value = word.partition("=")
            if word.startswith(("-", "+")) or not NAME.fullmatch(name.rstrip("+")):
                continue
            if found.readonly.get(name) and equals:
                return self._refused(found)
            if "i" in options and command != "export":
                found.variables[INTEGER + name] = frozenset({"1"})
            if "n" in options and command != "export" and value in ("TMOUT", ""):
                return self._blurred(found, line, "a name that stands for another variable")
            if equals:
                self.put(name, value, found, line)
            elif command == "local" or (command in ("declare", "typeset") and "f" in options):
                found.variables.setdefault(name, frozenset({None}))
            if command == "readonly" or "r" in options:
                found.readonly[name] = True
                if name == "TMOUT" and not equals:
                    found.lines[name] = (*found.lines.get(name, ()), line)
            if command == "export" or "x" in options:
                found.exported |= {name}
        for raw, word in zip(node.words[1:], words, strict=True):
            if word is UNKNOWN and raw and raw[0].kind == "text" and (match := re.match(r"([A-Za-z_]\w*)=", raw[0].text)):
                if found.readonly.get(match[1]):
                    return self._refused(found)
                self.put(match[1], UNKNOWN, found, line)
                if command == "readonly" or "r" in options:
                    found.readonly[match[1]] = True
        return {Flow.NEXT: found}

    def _local(self, name: str, state: State) -> None:
        """From here to the end of the function the name stands for a variable of the function's own."""
        kept = self.scopes[-1]
        now = state.variables.get(name), state.readonly.get(name), state.lines.get(name)
        if LOCAL + name in state.variables:
            return  # it is one already
        kept[name] = now if kept.get(name, now) == now else (frozenset({UNKNOWN}), now[1], now[2])
        state.variables[LOCAL + name] = frozenset({"1"})
        if self.world.dialect != "dash":  # where it keeps the value from outside
            state.variables[name] = NOT
        if not state.readonly.get(name):
            state.readonly.pop(name, None)

    def left(self, scope: dict[str, Kept], state: State) -> None:
        """The variables of a function's own are gone when it ends."""
        for name, (values, readonly, lines) in scope.items():
            mark = state.variables.pop(LOCAL + name, None)
            if mark is None:
                continue  # not on this way through the function
            sure = mark == frozenset({"1"})
            outer = frozenset({None}) if values is None else values
            state.variables[name] = outer if sure else outer | state.variables.get(name, frozenset({None}))
            state.readonly.pop(name, None)
            if readonly is not None:
                state.readonly[name] = readonly and sure
            state.lines[name] = lines or ()

    def format(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        """printf; with -v it assigns."""
        if len(fields) < 4 or fields[1] != "-v" or self.world.dialect == "dash":
            return self._done(state)
        found = state.copy()
        name, form, rest = fields[2], fields[3], fields[4:]
        value: Value = UNKNOWN
        if isinstance(form, str) and not re.search(r"[%\\]", form):
            value = form
        elif (
            form in ("%s", "%d", "%i")
            and len(rest) == 1
            and isinstance(rest[0], str)
            and (form == "%s" or re.fullmatch(r"[1-9]\d*", rest[0]))
        ):
            value = rest[0]
        if isinstance(name, str) and NAME.fullmatch(name):
            if found.readonly.get(name):
                return self._refused(found)
            self.put(name, value, found, line)
        elif name is UNKNOWN:
            return self._blurred(found, line, "the variable that is set was not seen")
        return {Flow.NEXT: found}

    def unset(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        found = state.copy()
        found.status = True
        functions = "-f" in fields
        for name in fields[1:]:
            if not isinstance(name, str) or name.startswith("-"):
                continue
            if functions or (name in found.functions and name not in found.variables):
                found.functions.pop(name, None)
            elif found.readonly.get(name):
                return self._refused(found)
            else:
                self.put(name, None, found, line)
        return {Flow.NEXT: found}

    def dot(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        path = fields[1] if len(fields) > 1 else None
        if isinstance(path, str) and "/" in path:
            return self.source(self.world.path(path), state)
        if path is None:
            return self._done(state, False)
        if isinstance(path, str) and self.world.dialect == "dash" and fields[0] == "source":
            return self._done(state, False)
        return self._blurred(state, line, "the file that is read was not seen")

    def source_command(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        return self._done(state, False) if self.world.dialect == "dash" else self.dot(node, fields, state, line)

    def evaluate(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        args = fields[1:]
        if UNKNOWN not in args:
            return self.run_text(" ".join(str(arg) for arg in args), self.file, state)
        commands = [part.text for word in node.words[1:] for part in word if part.kind == "command"]
        others = [part for word in node.words[1:] for part in word if part.kind in ("param", "other")]
        if commands and not others and all(_HARMLESS.fullmatch(text) for text in commands):
            return self._done(state, None)
        return self._blurred(state, line, "what is evaluated was not seen")

    def _blurred(self, state: State, line: Line, why: str) -> Ends:
        found = state.copy()
        found.blur(line, Gap(f"file:{line.file}", Reason.AMBIGUOUS, why))
        return {Flow.NEXT: found}

    def leave(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        """return, exit, logout, break, continue."""
        if fields[0] in ("break", "continue") and not self.loops:
            return self._done(state)
        found = state.copy()
        if fields[0] == "logout" and self.world.dialect == "dash":
            return self._done(state, False)
        if len(fields) > 1:
            found.status = fields[1] == "0" if isinstance(fields[1], str) else None
        flow = {"return": Flow.RETURN, "exit": Flow.EXIT, "logout": Flow.EXIT, "break": Flow.BREAK, "continue": Flow.CONTINUE}[
            str(fields[0])
        ]
        return {flow: found}

    def arguments(self, state: State, args: list[Value]) -> None:
        """Positional parameters. An UNKNOWN one stands for any number of them."""
        whole = UNKNOWN not in args
        state.set("@", " ".join(str(arg) for arg in args) if whole else UNKNOWN)
        state.set("#", str(len(args)) if whole else UNKNOWN)
        for number in range(1, 10):
            state.set(str(number), (args[number - 1] if number <= len(args) else None) if whole else UNKNOWN)

    def set(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        args = fields[1:]
        found = state.copy()
        found.status = True
        while args and isinstance(args[0], str) and args[0][:1] in ("-", "+") and args[0] not in ("-", "--"):
            args = args[2:] if args[0] in ("-o", "+o") else args[1:]
        if args:
            self.arguments(found, args[1:] if args[0] in ("-", "--") else args)
        return {Flow.NEXT: found}

    def shift(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        found = state.copy()
        count, step = found.get("#"), fields[1] if len(fields) > 1 else "1"
        if not isinstance(count, str) or not isinstance(step, str) or not step.isdigit() or int(count) > 9:
            self.arguments(found, [UNKNOWN])
            found.status = None
            return {Flow.NEXT: found}
        if int(step) > int(count):
            return {Flow.ABORT: state} if self.world.dialect == "dash" else self._done(state, False)
        self.arguments(found, [found.get(str(number)) for number in range(int(step) + 1, int(count) + 1)])
        found.status = True
        return {Flow.NEXT: found}

    def execute(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        """exec: another program takes the shell's place."""
        if len(fields) == 1:
            return self._done(state)
        state = state.copy()
        state.readonly.pop("TMOUT", None)
        gone = self._blurred(state, line, "another program takes the place of the shell")[Flow.NEXT]
        return {Flow.ABORT: gone}

    def wrapped(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        """builtin, command: what follows, without functions."""
        if fields[0] == "builtin" and self.world.dialect == "dash":
            return self._done(state, False)
        rest = list(fields[1:])
        words = list(node.words[1:])
        while rest and rest[0] in ("-p", "--"):
            rest.pop(0)
            words.pop(0)
        name = rest[0] if rest else None
        if isinstance(name, str) and name in BUILTINS:
            return BUILTINS[name](self, Simple((), tuple(words), node.line), rest, state, line)
        return self._done(state, None if rest else True)

    def read(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        found = state.copy()
        found.status = None
        for name in fields[1:]:
            if isinstance(name, str) and NAME.fullmatch(name):
                self.put(name, UNKNOWN, found, line)
        return {Flow.NEXT: found}

    def let(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        if self.world.dialect == "dash":
            return self._done(state, False)
        found = state.copy()
        found.status = None
        for arg in fields[1:]:
            if isinstance(arg, str):
                self.assigned_in(arg, found)
        return {Flow.NEXT: found}

    def bracket(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        args = fields[1:]
        if fields[0] == "[":
            if not args or args[-1] != "]":
                return self._done(state, False if UNKNOWN not in args else None)
            args = args[:-1]
        counted = all(any(part.quoted or part.kind == "text" for part in word) or len(word) == 0 for word in node.words)
        return self._done(state, None if UNKNOWN in args and not counted and len(args) < 2 else holds(self.world, args))

    def fine(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        return self._done(state, True)

    def move(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        self.world.moved = True
        return self._done(state, None)

    def alias(self, node: Simple, fields: list[Value], state: State, line: Line) -> Ends:
        for word in fields[1:]:
            if isinstance(word, str) and word.partition("=")[0] in BUILTINS and self.world.interactive:
                return self._blurred(state, line, "an alias takes the place of a command of the shell")
        return self._done(state, True)


Builtin = Callable[[Any, Simple, list[Value], State, Line], Ends]
BUILTINS: dict[str, Builtin] = {
    "umask": Builtins.umask, "export": Builtins.declare, "readonly": Builtins.declare, "declare": Builtins.declare, "typeset": Builtins.declare,
    "local": Builtins.declare, "unset": Builtins.unset, ".": Builtins.dot, "source": Builtins.source_command, "eval": Builtins.evaluate,
    "return": Builtins.leave, "exit": Builtins.leave, "logout": Builtins.leave, "break": Builtins.leave, "continue": Builtins.leave,
    "exec": Builtins.execute, "builtin": Builtins.wrapped, "command": Builtins.wrapped, "read": Builtins.read, "let": Builtins.let,
    "[": Builtins.bracket, "test": Builtins.bracket, "alias": Builtins.alias, "set": Builtins.set, "shift": Builtins.shift,
    "echo": Builtins.fine, "printf": Builtins.format,
    "cd": Builtins.move, "pushd": Builtins.move, "popd": Builtins.move,
}  # fmt: skip


def _named(raw: Sequence[Word], words: Sequence[Value]) -> list[str]:
    """The variables that a declaration names, their values known or not."""
    found: list[str] = []
    for text, word in zip(raw, words, strict=True):
        known = word if isinstance(word, str) else text[0].text if text and text[0].kind == "text" else ""
        name = known.partition("=")[0].rstrip("+")
        if NAME.fullmatch(name):
            found.append(name)
    return found


def output_of(world: World, words: list[str], state: State) -> Value:
    """What a program of a command substitution prints, for the few that startup files ask."""
    name, args = words[0].rsplit("/", 1)[-1], words[1:]
    account = world.account
    if name == "id":
        world.personal = True  # but for the uid, see Runner._substitute
        option = "".join(sorted("".join(arg.lstrip("-") for arg in args if arg.startswith("-"))))
        known = {"u": str(account.uid), "nu": account.name, "g": str(account.gid), "gn": world.group, "ru": str(account.uid)}
        return known.get(option, UNKNOWN) if all(arg.startswith("-") for arg in args) else UNKNOWN
    if name == "whoami" and not args:
        world.personal = True
        return account.name
    if name == "umask" and not args and len(state.umask) == 1:
        mask = next(iter(state.umask))
        return UNKNOWN if mask is None else f"{mask:04o}"
    if name == "echo" and not any(arg.startswith("-") or "\\" in arg for arg in args):
        return " ".join(args)
    if name == "run-parts" and "--list" in args:
        return _run_parts(world, args)
    return UNKNOWN


def _run_parts(world: World, args: list[str]) -> Value:
    """run-parts(8) --list: names that a pattern allows, in order."""
    pattern = r"[a-zA-Z0-9_-]+"
    folder = args[-1]
    for number, arg in enumerate(args):
        if arg.startswith("--regex"):
            pattern = arg[8:] if "=" in arg else args[number + 1]
    try:
        names = world.host.files.listdir(world.path(folder)) or ()
        found = [name for name in names if re.search(pattern.replace("[:alnum:]", "a-zA-Z0-9"), name)]
    except (Unseen, re.error):
        return UNKNOWN
    return "\n".join(f"{folder.rstrip('/')}/{name}" for name in found)
