"""Counts for Prometheus."""

from tests.control.conftest import Control


async def page(control: Control) -> list[str]:
    async with control.http.get(f"{control.base}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return (await answer.text()).splitlines()


async def test_what_happened_is_counted_once(control: Control) -> None:
    match = {"operation": "dep.account"}
    await control.call("POST", "/faults", {"outcome": "dep.NOT_FOUND", "match": match, "count": 1})
    for _ in range(3):
        await control.ask("GET", "/account", headers={"X-Mdmsim-Session": "a-label"})
    first = await page(control)
    await control.ask("GET", "/account?serial=0ZSECRET")
    second = await page(control)

    found = 'mdmsim_exchanges_total{service="dep",operation="dep.account",status="404"} 1'
    assert found in first
    refused = 'mdmsim_exchanges_total{service="dep",operation="dep.account",status="401"} '
    assert f"{refused}2" in first
    assert f"{refused}3" in second
    assert 'mdmsim_findings_total{rule="auth-refused"} 2' in first
    assert "mdmsim_faulted_exchanges_total 1" in second
    assert "mdmsim_faults_armed 1" in second
    assert not any("a-label" in line or "0ZSECRET" in line for line in second)


async def test_every_line_is_a_comment_or_a_sample(control: Control) -> None:
    for line in await page(control):
        name, _, value = line.rpartition(" ")
        assert line.startswith("# ") or (name and float(value) >= 0)
