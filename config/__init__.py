"""What the site is: the site file, meter maps and factor tables."""
