"""The JSON-LD of a report is a graph whose terms are those that the vocabularies have published."""

import json
from collections.abc import Iterable
from pathlib import Path

from rdflib import RDF, Graph, URIRef
from rdflib.plugins.parsers.jsonld import to_rdf

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.report.vocabularies import term_of
from tests.disclosure.formats.conftest import Render

DPV, PD = "https://w3id.org/dpv#", "https://w3id.org/dpv/pd#"
PUBLISHED = json.loads(Path("fixtures/disclosure/dpv-terms.json").read_text())


def terms(role: str) -> set[str]:
    """Return the IRIs of the published classes, or properties."""
    return {namespace + name for namespace in (DPV, PD) for name in PUBLISHED[namespace][role]}


def ours(found: Iterable[object]) -> set[str]:
    """Return those IRIs that are of the vocabularies."""
    return {str(one) for one in found if str(one).startswith("https://w3id.org/dpv")}


def test_json_ld_is_a_graph_of_published_terms(render: Render) -> None:
    # Not Graph.parse, which warns about its own ways.
    graph = to_rdf(json.loads(render("dpv")), Graph())

    properties, classes = terms("property"), terms("class")
    used = ours(graph.predicates())
    assert {f"{DPV}hasProcess", f"{DPV}hasPurpose", f"{DPV}hasRecipient"} <= used <= properties
    assert f"{PD}UID" in ours(graph.objects(None, RDF.type)) <= classes
    assert ours(graph.objects(None, URIRef(f"{DPV}hasProcessing"))) == {f"{DPV}Disclose"}
    processes = set(graph.subjects(RDF.type, URIRef(f"{DPV}Process")))
    inner = set(graph.objects(None, URIRef(f"{DPV}hasProcess")))
    assert inner < processes
    assert len(processes - inner) == 1
    for name in ("hasPersonalData", "hasDataSubject", "hasRecipient"):
        assert set(graph.subjects(URIRef(DPV + name))) == inner


def test_each_concept_has_a_published_term() -> None:
    assert {term_of(name).dpv for name in CONCEPTS} - {""} <= terms("class")
