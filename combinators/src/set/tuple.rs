//! Tuples of tasks of different types.

use super::{Member, TaskSet, WaitedSet, sealed::Sealed};
use crate::ensure_future::ensure_future;
use crate::gather::{Gatherable, Mixed};
use executor_core::{BoxError, Countdown, Settled, Task, TaskError};
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};

macro_rules! tuple {
    ($($future:ident $value:ident $error:ident $task:ident),+) => {
        impl<$($value: Send + 'static),+> Sealed for ($(Task<$value>,)+) {}

        impl<$($value: Send + 'static),+> TaskSet for ($(Task<$value>,)+) {
            type Values = ($($value,)+);
            type Outcomes = ($(Result<$value, TaskError>,)+);
            type Waited = Self;

            fn into_waited(self) -> Self {
                self
            }
        }

        impl<$($value: Send + 'static),+> WaitedSet for ($(Task<$value>,)+) {
            type Values = ($($value,)+);
            type Outcomes = ($(Result<$value, TaskError>,)+);
            type Wait = Countdown;

            fn count(&self) -> usize {
                [$(stringify!($task)),+].len()
            }

            fn visit(&mut self, see: &mut dyn FnMut(&mut dyn Member) -> bool) {
                let ($($task,)+) = self;
                let _ = $(see($task))&&+;
            }

            fn wait(&mut self, decides: fn(Settled) -> bool) -> Countdown {
                watch_each(self, decides)
            }

            fn poll(
                &mut self,
                countdown: &mut Countdown,
                context: &mut Context<'_>,
            ) -> Poll<Option<usize>> {
                countdown.poll(context)
            }

            fn into_values(self) -> Result<Self::Values, TaskError> {
                let ($(mut $task,)+) = self;
                Ok(($($task.try_result()?,)+))
            }

            fn into_outcomes(self) -> Self::Outcomes {
                let ($(mut $task,)+) = self;
                ($($task.try_result(),)+)
            }

            fn list(&self, list: &mut fmt::DebugList<'_, '_>) {
                let ($($task,)+) = self;
                list$(.entry($task))+;
            }
        }

        impl<$($future, $value, $error),+> Gatherable<Mixed> for ($($future,)+)
        where
            $(
                $future: Future<Output = Result<$value, $error>> + Send + 'static,
                $value: Send + 'static,
                $error: Into<BoxError>,
            )+
        {
            type Tasks = ($(Task<$value>,)+);

            fn start(self) -> Self::Tasks {
                let ($($task,)+) = self;
                ($(ensure_future($task),)+)
            }
        }
    };
}

/// Nothing further matters once it is decided.
fn watch_each<W: WaitedSet>(tasks: &mut W, decides: fn(Settled) -> bool) -> Countdown {
    let mut countdown = Countdown::new(tasks.count(), decides);
    let mut place = 0;
    tasks.visit(&mut |task| {
        task.watch(&mut countdown, place);
        place += 1;
        countdown.decided_by().is_none()
    });
    countdown
}

tuple!(F1 T1 E1 a);
tuple!(F1 T1 E1 a, F2 T2 E2 b);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f, F7 T7 E7 g);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f, F7 T7 E7 g,
    F8 T8 E8 h);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f, F7 T7 E7 g,
    F8 T8 E8 h, F9 T9 E9 i);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f, F7 T7 E7 g,
    F8 T8 E8 h, F9 T9 E9 i, F10 T10 E10 j);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f, F7 T7 E7 g,
    F8 T8 E8 h, F9 T9 E9 i, F10 T10 E10 j, F11 T11 E11 k);
tuple!(F1 T1 E1 a, F2 T2 E2 b, F3 T3 E3 c, F4 T4 E4 d, F5 T5 E5 e, F6 T6 E6 f, F7 T7 E7 g,
    F8 T8 E8 h, F9 T9 E9 i, F10 T10 E10 j, F11 T11 E11 k, F12 T12 E12 l);
