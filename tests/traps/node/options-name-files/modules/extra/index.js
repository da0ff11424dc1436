exports.name = 'extra';
