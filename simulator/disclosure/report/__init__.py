"""From disclosures to the ledger and its reports."""
