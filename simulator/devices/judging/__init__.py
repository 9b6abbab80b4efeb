"""What an MDM server sends to devices, held against what Apple documents of it."""
