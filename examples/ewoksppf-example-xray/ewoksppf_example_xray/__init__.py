"""Tasks which integrate the X-ray images of a powder, block by block."""
