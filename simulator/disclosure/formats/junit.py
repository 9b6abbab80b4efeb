"""JUnit XML: one test case per field that was sent, one per claim, one for the evidence."""

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET

from simulator.disclosure.formats.material import Material
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.report import ClaimLine, Report


def to_junit(material: Material) -> Iterator[str]:
    """Yield the report as JUnit XML. What fails is a failure, what warns is said and passes."""
    report = material.report
    root = ET.Element("testsuites", name="mdmsim disclosures")
    root.append(_evidence(report))
    by_operation: dict[str, list[LedgerLine]] = {}
    for line in sorted(report.sent, key=lambda one: (one.service, one.operation)):
        by_operation.setdefault(f"{line.service}.{line.operation}", []).append(line)
    for lines in by_operation.values():
        root.append(_suite(lines[0].operation, [_case(line) for line in lines]))
    if cases := [*_claims(report)]:
        root.append(_suite("claims", cases))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root, " ")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield ET.tostring(root, encoding="unicode") + "\n"


def _suite(name: str, cases: Iterable[ET.Element]) -> ET.Element:
    suite = ET.Element("testsuite", name=printable(name))
    suite.extend(cases)
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    suite.set("tests", str(len(suite)))
    for attribute, tag in kinds.items():
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", "0")
    return suite


def _new_case(name: str, group: str) -> ET.Element:
    return ET.Element("testcase", name=printable(name), classname=printable(group), time="0")


def _case(line: LedgerLine) -> ET.Element:
    case = _new_case(f"{line.part} {line.place} is declared: {line.concept}", line.operation)
    about = (
        f"{', '.join(line.flags) or 'ok'}: {line.example} in {line.requests} requests, "
        f"exchanges {', '.join(map(str, line.evidence))}"
    )
    if line.severity == "fail":
        failure = ET.SubElement(case, "failure", type=printable(line.flags[0]))
        failure.set("message", printable(", ".join(line.flags)))
        failure.text = printable(about)
    elif line.flags:
        ET.SubElement(case, "system-out").text = printable(about)
    return case


def _claims(report: Report) -> Iterator[ET.Element]:
    for line in report.declared:
        yield _new_case(_claim_name(line), "claims")
    for lines, why in (
        (report.only_received, "only received, never sent"),
        (report.not_seen, "not seen in this run"),
    ):
        for line in lines:
            case = _new_case(_claim_name(line), "claims")
            ET.SubElement(case, "skipped", message=why)
            yield case


def _claim_name(line: ClaimLine) -> str:
    return f"{line.id} {line.label}".strip()


def _evidence(report: Report) -> ET.Element:
    case = _new_case("the journal is whole", "evidence")
    if report.verdict == "incomplete":
        error = ET.SubElement(case, "error", type="evidence-incomplete")
        error.set("message", "evidence incomplete")
        error.text = printable(
            "; ".join(
                f"{one.kind}: {one.first} to {one.last} {one.about}"
                for one in report.evidence.problems
            )
            or "a request is not whole"
        )
    return _suite("evidence", [case])
