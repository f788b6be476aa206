"""What a mutant of `mutants.py` is: it breaks one guard, and names the promise that the guard keeps and the tests that must notice.

Texts are as short as they can be and still stand once in their file; `tests/unit/test_mutants.py` sees to that.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard, broken.

    Attributes:
        promise: an id of `tests/requirements.py`.
        file: what it breaks, from the package's own folder on.
        old, new: the text that is replaced, which stands once in the file, and what it is replaced by.
        tests: what pytest is asked to run; something of it must fail.
    """

    id: str
    promise: str
    file: str
    old: str
    new: str
    tests: str
