"""The real Kinto among the services of the sandbox; see `restwright.testing.kinto`."""
