"""The site's graph as a picture: sources left, sinks right, nothing on top of else."""
