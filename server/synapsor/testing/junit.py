"""Outcomes of cases as JUnit XML, the form in which CI servers take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from synapsor.contract.document import printable
from synapsor.testing.expect import text
from synapsor.testing.suite import Outcome


def junit(outcomes: Mapping[Path, Sequence[Outcome]]) -> str:
    """Return one test suite for each file."""
    root = Element("testsuites", name="synapsor")
    for file, found in outcomes.items():
        failed = sum(not outcome.passed for outcome in found)
        suite = SubElement(root, "testsuite", name=str(file), tests=str(len(found)), failures=str(failed), errors="0")
        for outcome in found:
            case = SubElement(suite, "testcase", name=printable(outcome.name), classname=str(file))
            case.set("file", str(file))
            case.set("line", str(outcome.line))
            if not outcome.passed:
                lines = [f"{m.where}: expected {text(m.expected)}, got {text(m.got)}" for m in outcome.mismatches]
                failure = SubElement(case, "failure", message=printable(lines[0]))
                failure.text = "\n".join(map(printable, lines))
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"
