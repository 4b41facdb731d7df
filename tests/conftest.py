"""Lies here so that every test folder can import `fabricated`."""
