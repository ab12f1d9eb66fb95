"""Speed and memory of what people wait for. `make bench` prints them; nothing asserts them."""
