"""The project's one training loop, and what it is made of. It knows steps; a backend knows devices."""
