"""Rules about the machine: speed, memory, whether anything is trained at all."""
