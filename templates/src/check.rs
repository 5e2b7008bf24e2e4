//! Whether a pack says what it says rightly.
