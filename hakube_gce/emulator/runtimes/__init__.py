"""What a VM can be inside the emulator, one module per kind; `runtime` is the port they fill."""
