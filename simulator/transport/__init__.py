"""Bytes to requests and responses to bytes, on real sockets. Knows no service."""
