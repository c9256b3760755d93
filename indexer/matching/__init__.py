"""The definition of a hit and of the order of hits; pure, shared by all stores."""
