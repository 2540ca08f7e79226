"""The product's job, measured: webhooks accepted and notes written a second, and the CPU that each of them takes."""
