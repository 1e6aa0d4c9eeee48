"""What a call costs: this project beside the engines under it and the package it replaces (`make bench`)."""
