"""What DeviceInformation tells of the cellular network, and of who shares an iPad.

Names, rights and platforms are those of Apple's schema (apple/device-management 0340fd30). A device
without IMEI has no cellular network; what the network says is made up.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.devices.commands.query import INFORMATION, MOBILE, NETWORK, Query, number
from simulator.devices.commands.rows import Execution

_SLOTS = ("CTSubscriptionSlotOne", "CTSubscriptionSlotTwo")
_CARRIER, _MCC, _MNC, _CARRIER_SETTINGS = "mdmsim", "001", "01", "60.0"
"""A test network: no country has the code 001."""
_RESIDENTS = 32
"""What MaximumResidentUsers is since iOS 13.4."""
_QUOTA_MB = 2048


def subscriptions(execution: Execution) -> list[dict[str, Any]] | None:
    """Return ServiceSubscriptions, one for each IMEI."""
    hardware = execution.device.hardware
    found = [
        {
            "Slot": slot,
            "IMEI": imei,
            "EID": hardware.get("eid", ""),
            "ICCID": _iccid(execution, slot),
            "PhoneNumber": _phone_number(execution, slot),
            "CurrentMCC": _MCC,
            "CurrentMNC": _MNC,
            "CurrentCarrierNetwork": _CARRIER,
            "CarrierSettingsVersion": _CARRIER_SETTINGS,
            "IsDataPreferred": slot == _SLOTS[0],
            "IsVoicePreferred": slot == _SLOTS[0],
            "IsRoaming": False,
        }
        for slot, imei in zip(_SLOTS, hardware.get("imei", ()), strict=False)
    ]
    return found or None


def _iccid(execution: Execution, slot: str = _SLOTS[0]) -> str:
    return f"8900{_decimal(execution, f'iccid {slot}', 15)}"


def _phone_number(execution: Execution, slot: str = _SLOTS[0]) -> str:
    return f"+1555{_decimal(execution, f'phone {slot}', 7)}"


def _decimal(execution: Execution, what: str, digits: int) -> str:
    """Return decimal digits that follow from the serial number."""
    return str(int(number(execution.device, what, 16), 16))[-digits:].zfill(digits)


def _cellular(value: Callable[[Execution], Any], right: int = NETWORK) -> Query:
    def asked(execution: Execution) -> Any:
        return value(execution) if execution.device.hardware.get("imei") else None

    return Query(asked, right, MOBILE, not_in_user_enrolment=True)


def _always(value: Any) -> Query:
    return _cellular(lambda _: value)


def _enabled(item: str) -> Query:
    """Return the query for what an item of Settings turns on and off."""
    return _cellular(lambda it: it.device.settings.get(item, {}).get("Enabled") is True)


CELLULAR: Mapping[str, Query] = {
    "ICCID": _cellular(_iccid),
    "PhoneNumber": _cellular(_phone_number),
    "CurrentMCC": _always(_MCC),
    "CurrentMNC": _always(_MNC),
    "SubscriberMCC": _always(_MCC),
    "SubscriberMNC": _always(_MNC),
    "CurrentCarrierNetwork": _always(_CARRIER),
    "SubscriberCarrierNetwork": _always(_CARRIER),
    "CarrierSettingsVersion": _always(_CARRIER_SETTINGS),
    "IsRoaming": _always(value=False),
    "DataRoamingEnabled": _enabled("DataRoaming"),
    "VoiceRoamingEnabled": _enabled("VoiceRoaming"),
    "PersonalHotspotEnabled": _enabled("PersonalHotspot"),
    "CellularTechnology": _cellular(lambda _: 1, INFORMATION),  # GSM
    "ModemFirmwareVersion": _cellular(lambda _: "1.00.00", INFORMATION),
}


def _shared(key: str, default: Any) -> Query:
    """Return the query for a key of SharedDeviceConfiguration, of Shared iPads only."""

    def asked(execution: Execution) -> Any:
        if not execution.device.shared:
            return None
        return execution.device.settings.get("SharedDeviceConfiguration", {}).get(key, default)

    return Query(asked, platforms=MOBILE)


SHARED_IPAD: Mapping[str, Query] = {
    "IsMultiUser": Query(lambda it: it.device.shared, platforms=MOBILE),
    "MaximumResidentUsers": _shared("MaximumResidentUsers", _RESIDENTS),
    "EstimatedResidentUsers": _shared("EstimatedResidentUsers", _RESIDENTS),
    "QuotaSize": _shared("QuotaSize", _QUOTA_MB),
    "ResidentUsers": Query(
        lambda it: len(it.device.users) if it.device.shared else None, platforms=MOBILE
    ),
    "UserSessionTimeout": _shared("UserSessionTimeout", 0),
    "TemporarySessionTimeout": _shared("TemporarySessionTimeout", 0),
    "TemporarySessionOnly": _shared("TemporarySessionOnly", default=False),
    "ManagedAppleIDDefaultDomains": _shared("ManagedAppleIDDefaultDomains", []),
    "OnlineAuthenticationGracePeriod": _shared("OnlineAuthenticationGracePeriod", 0),
}
