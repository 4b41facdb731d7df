"""What the tests of several folders share: small scenarios as text, made-up databases, the real command, other processors."""
