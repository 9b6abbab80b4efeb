"""Versions of the API: what a release of Apple's documentation brought (axm.md 1.2).

No request names a version; the setting says which one is simulated. Rows write it without the
point, as Business has it: ``23+`` is Business 2.3 and later, which is School 1.6.
"""

from simulator.core.settings import Settings

NEWEST = 26
_SCHOOL = {16: 23, 17: 25}
"""School's own numbers, by the release of Business that came on the same day."""
_LAST_COMMON, _SCHOOL_AGAIN = 15, 23


def of(settings: Settings, *, is_school: bool) -> int:
    """Return the version in effect, as rows write it.

    Between Business 2.0 and 2.2 School stayed at 1.5.
    """
    digits = int(settings.axm_version.replace(".", ""))
    number = _SCHOOL.get(digits, digits)
    between = _LAST_COMMON < number < _SCHOOL_AGAIN
    return _LAST_COMMON if is_school and between else number
