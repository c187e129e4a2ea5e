"""Puts the code of a mutant into a running process. No file is written."""

from __future__ import annotations

import gc
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType

from tests.mutants.mutations import Mutant, make_mutated_tree

Key = tuple[str, int, str]
"""File, first line and qualified name of a piece of code."""


class Functions:
    """The functions of this process, found by their code.

    A function object is changed in place, so it does not matter who imported it under which name.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._found: dict[Key, list[FunctionType]] = defaultdict(list)
        prefix = f"{root}/"
        # Frozen objects, which `tests/apart.py` makes, are listed only once they are not.
        gc.unfreeze()
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(prefix):
                self._found[_key(each.__code__)].append(each)

    def apply(self, mutant: Mutant) -> None:
        """Change every function object that runs code of the mutant.

        Raises LookupError if there is none.
        """
        file = self.root / mutant.file
        tree = make_mutated_tree(file.read_text(encoding="utf-8"), mutant.number)
        module = compile(tree, str(file), "exec", dont_inherit=True)
        is_found = False
        for code in _find_code(module):
            if not mutant.first <= code.co_firstlineno <= mutant.last:
                continue
            for function in self._found[_key(code)]:
                function.__code__ = code
                is_found = True
        if not is_found:
            raise LookupError(f"{mutant.name}: no function has this code")


def _find_code(code: CodeType) -> list[CodeType]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return [*inner, *(found for each in inner for found in _find_code(each))]


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_firstlineno, code.co_qualname
