"""What a sample costs on the wire, beside other formats."""
