"""The endpoints: what is sent is read here, and what is decided elsewhere is answered."""
