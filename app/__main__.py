"""`python -m app` and `ai-agents`."""

from app.cli import main

if __name__ == "__main__":
    main()
