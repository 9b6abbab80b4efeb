"""Keys and certificates: our own authority, and the credentials that Apple would hand out."""
