"""Freshness of results: a hash of what was asked for and of the code that it ran through."""

import ast
import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def digest(what: Any, rooms: Iterable[str]) -> str:
    """Hex sha256 of `what` (plain JSON) and of modules of this package, as in "training/rows".

    Of a module its syntax tree counts, without docstrings: line breaks, comments and explanations change nothing.
    """
    result = sha256(json.dumps(what).encode())
    for room in rooms:
        tree = ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
        result.update(ast.dump(tree).encode())
    return result.hexdigest()
