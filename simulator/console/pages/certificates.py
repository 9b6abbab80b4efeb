"""The push certificate portal: certificates, uploads, and what was mailed."""

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.credentials import download
from simulator.console.pages.world import chosen, do, text
from simulator.console.parts import Page
from simulator.console.rendering import after, page
from simulator.control.parts import ApiProblem, missing

PLACE = "/world/certificates"
_ORPHANS = (
    "A certificate with another topic was created. Devices that enrolled with the topic before are "
    "not reached by it: renew that one instead, unless you mean to enrol them all again."
)


async def certificates(request: web.Request) -> web.StreamResponse:
    """Show the certificates of an organisation, and the mails."""
    organisation, known = await chosen(request)
    listed = (await calls.get(request, "push-certificates"))["push_certificates"]
    return await page(
        request,
        "certificates.html",
        "world",
        organisation=organisation,
        organisations=known,
        certificates=[one for one in listed if one["organisation"] == organisation],
        mails=(await calls.get(request, "mails"))["mails"],
    )


async def upload(request: web.Request) -> web.StreamResponse:
    """Create a certificate for the request in the form's file, or renew one."""
    form = await request.post()
    given = form.get("request")
    content = given.file.read() if isinstance(given, web.FileField) else b""
    body = {"request": content.decode("ascii", "replace"), "note": text(form, "note")}
    serial, organisation = text(form, "renews"), text(form, "organisation")
    body |= {"renews": serial} if serial else {"organisation": organisation}
    try:
        made = await calls.send(request, "POST", "push-certificates", body=body)
    except ApiProblem as problem:
        return after(request, PLACE, str(problem), "failed")
    if made["is_other_topic"]:
        return after(request, PLACE, _ORPHANS, "failed")
    said = f"Renewed for {made['topic']}." if serial else f"Created for {made['topic']}."
    return after(request, PLACE, said)


async def pem(request: web.Request) -> web.StreamResponse:
    """Answer a certificate as the portal's file: it alone, PEM."""
    serial = request.match_info["serial"]
    for one in (await calls.get(request, "push-certificates"))["push_certificates"]:
        if one["serial"] == serial:
            name = "MDM_" + one["vendor"].replace(" ", "_").replace(":", "") + "_Certificate.pem"
            return download(one["certificate"].encode(), name, "application/x-pem-file")
    raise missing(f"the portal has no certificate with the serial number {serial}")


async def revoke(request: web.Request) -> web.StreamResponse:
    """Revoke a certificate."""
    serial = request.match_info["serial"]
    said = f"The certificate {serial} is revoked."
    return await do(request, said, "DELETE", "push-certificates", serial, place=PLACE)


PAGES = (
    Page("GET", PLACE, certificates),
    Page("POST", PLACE, upload),
    Page("GET", f"{PLACE}/{{serial}}", pem),
    Page("POST", f"{PLACE}/{{serial}}/revoke", revoke),
)
