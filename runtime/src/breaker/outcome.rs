//! How a call ended, and how it is timed.

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    Ignored,
    Rejected,
    Cancelled,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [
        Self::Success,
        Self::Failure,
        Self::Ignored,
        Self::Rejected,
        Self::Cancelled,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// How a call is timed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Timing {
    /// Nobody wants its duration.
    Untimed,
    /// To a few milliseconds, for slow calls of a tenth of a second and more.
    Coarse,
    /// Precisely, for slow calls shorter than that.
    Precise,
    /// Precisely, for the histogram too.
    Measured,
}
