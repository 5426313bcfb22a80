//! ipc-channel by itself: a process that answers each number with the next one.

use super::partner::Partner;
use crate::jobs::increment;
use crate::peers::Fault;
use ipc_channel::ipc::{self, IpcOneShotServer, IpcReceiver, IpcSender};

/// Its name in a copy's role.
pub(crate) const ROLE: &str = "ipc";

type Ends = (IpcSender<u64>, IpcReceiver<u64>);

/// A process at the other end of two channels.
pub(crate) struct Channels {
    // The channels first: it ends when they do.
    to: IpcSender<u64>,
    from: IpcReceiver<u64>,
    _partner: Partner,
}

impl Channels {
    pub(crate) fn start() -> Result<Self, Fault> {
        let (server, name) = IpcOneShotServer::<Ends>::new()?;
        let partner = Partner::start(&[ROLE, &name])?;
        let (_, (to, from)) = server.accept()?;
        let channels = Self {
            to,
            from,
            _partner: partner,
        };
        Ok(channels)
    }

    pub(crate) fn send(&self, number: u64) -> Result<(), Fault> {
        Ok(self.to.send(number)?)
    }

    /// The answer to the first number that had none.
    pub(crate) fn receive(&self) -> Result<u64, Fault> {
        Ok(self.from.recv()?)
    }
}

/// The other side of it.
pub(crate) fn serve(server: &str) -> Result<(), Fault> {
    let (to_us, numbers) = ipc::channel()?;
    let (answers, from_us) = ipc::channel()?;
    IpcSender::connect(server.to_owned())?.send((to_us, from_us))?;
    while let Ok(number) = numbers.recv() {
        answers.send(increment(number))?;
    }
    Ok(())
}
