"""What a sentence does that no record says as a whole, where that changes nothing."""
